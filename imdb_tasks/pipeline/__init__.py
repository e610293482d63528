"""The steps of the study: find the inputs, call the rooms, publish. Only this room knows keys and refs."""

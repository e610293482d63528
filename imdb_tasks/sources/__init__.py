"""From the description of a source to one verified file in the store."""

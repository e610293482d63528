"""What is compared: the grid, the trigger form, and the records that the steps hand on."""

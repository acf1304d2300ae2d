"""The network in NumPy: layers, losses, optimizers, schedules, and the flat vectors they share."""

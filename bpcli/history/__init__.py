"""What the epochs of a run tell: as curves, as figures, as event files, and in words."""

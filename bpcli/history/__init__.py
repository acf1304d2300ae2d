"""The epochs of a run: as curves, as figures, as event files, and as a diagnosis in words."""

"""Inspection of trained networks: importance of columns, attributions, partial dependence, hidden neurons."""

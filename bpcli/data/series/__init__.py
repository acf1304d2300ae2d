"""Time series: regular steps of time, and rows in their order."""

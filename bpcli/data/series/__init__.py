"""Time series: the time of each row, its steps, and the seasons of a series."""

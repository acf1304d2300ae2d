"""Windows of time series as examples: a table with a row for each origin of a forecast."""

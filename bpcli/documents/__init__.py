"""Documents, as data: JSON values, reports of scores, tables."""

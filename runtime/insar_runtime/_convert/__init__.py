"""``insar-rt convert``: stacks of maps and tables to Parquet with the series as lists and the dates once."""

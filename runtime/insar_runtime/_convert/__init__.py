"""Other products in, one fast format out: rasters and tables to Parquet with the series as lists and the dates once."""

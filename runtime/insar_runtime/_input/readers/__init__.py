"""Readers of tables: Parquet, CSV, a zip with a CSV, Arrow IPC, and tables with one row per point and date."""

"""Input tables: readers, layout of the columns, dates, units, and the description of a table."""

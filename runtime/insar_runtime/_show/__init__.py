"""``insar-rt show``: one point of a table, as text, as a plot in the terminal, and as a PNG."""

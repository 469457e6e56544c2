"""``insar-rt inspect``: description of a file, findings, and the run that ``classify`` would make."""

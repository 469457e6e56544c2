"""``insar-rt join``: one series per point from two releases that overlap in time."""

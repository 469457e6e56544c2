"""``insar-rt inspect``: what a file holds, what is unusual about it, and what ``classify`` will do with it."""

"""Moving areas: points that move, lie together and move alike (``insar-rt areas``)."""

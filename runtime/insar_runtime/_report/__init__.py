"""``insar-rt report``: a classified table as one HTML page that works offline."""

"""``insar-rt report``: a classified table as one page that needs no network."""

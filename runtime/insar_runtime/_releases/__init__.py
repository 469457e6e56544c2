"""Two releases of one place: matching of their points, and what has changed between them."""

"""Output tables: files that appear whole or not at all, streams, geometry, styles."""

"""Tables out: files that appear whole or not at all, streams, geometry."""

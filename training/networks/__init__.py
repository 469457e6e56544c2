"""Neural networks: their layers, the default network and that of the seed paper."""

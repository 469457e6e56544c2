"""Neural networks: the default network, the network of the seed paper, and their layers."""

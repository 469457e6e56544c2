"""Rows of real files that readers have labelled from plots, and how a classifier does on them."""

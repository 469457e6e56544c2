"""Rows of public files that readers labelled from plots: their table, their series, variations to train on."""

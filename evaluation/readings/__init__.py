"""Scores of classifiers on real rows that readers labelled from plots."""

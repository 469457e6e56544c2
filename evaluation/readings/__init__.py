"""Scores of classifiers on rows of real files that readers labelled from plots."""

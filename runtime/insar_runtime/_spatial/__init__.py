"""Distances and neighbours of points in metres, for areas, local priors and releases."""

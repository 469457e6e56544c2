"""Scenes of points with known areas, and the evaluation of areas and neighbours on them."""

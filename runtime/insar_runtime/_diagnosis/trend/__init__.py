"""Trends of diagnosed series as curves, which ``show``, its PNG and the report draw."""

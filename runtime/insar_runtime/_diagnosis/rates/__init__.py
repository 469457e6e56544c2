"""Velocity, acceleration and seasonality by the definitions of EGMS."""

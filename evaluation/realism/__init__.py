"""Comparison of simulated series with real ones: noise, and events such as steps and bends."""

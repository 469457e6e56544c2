"""Comparison of rules for the mix of classes: false alarms and missed movers."""

"""Evaluation of what two releases of one place are said to differ in."""

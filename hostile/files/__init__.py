"""Damaged and absurd input files: made from seeds, given to the real command, and judged by independent readers."""

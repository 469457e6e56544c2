"""Whether class, rate, break and jumps of a row agree: contradictions in the real files, counted."""

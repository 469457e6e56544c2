"""What happened to a series, when, and how sure: rates, breaks, jumps and their repair."""

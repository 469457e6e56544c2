"""Date at which the rate of a series changes, and the rates before and after it."""

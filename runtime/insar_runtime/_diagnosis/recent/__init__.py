"""Whether the rate of a series has changed in its last months."""

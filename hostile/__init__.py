"""Attack the command as a hostile world would, and record what came out; ``python -m hostile --help``."""

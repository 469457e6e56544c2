"""The installation: whether it works (doctor), what it does on a known file (demo), how fast it is (bench)."""

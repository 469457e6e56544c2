"""``python -m insar_runtime`` is ``insar-rt``."""

from insar_runtime.cli import main

if __name__ == "__main__":
    main()

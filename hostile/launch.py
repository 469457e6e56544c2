"""Become another program under limits: ``python launch.py LIMITS PROGRAM...``, where LIMITS is JSON.

Signals that whoever started the harness ignores, as ``nohup`` does, get their usual meaning back.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys


def main() -> None:
    """Set limits and signals, and become the program."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    for name, limit in json.loads(sys.argv[1]).items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()

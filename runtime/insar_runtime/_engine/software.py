"""Versions of installed distributions."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def installed_version(distribution: str) -> str | None:
    """Return the version of a distribution; None if it is not installed under this name."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None

"""One module a command; heavy imports happen inside the commands.

The modules do without ``from __future__ import annotations``, of which typer evaluates every text twice: with hundreds
of options that takes longer than all else that ``--help`` does.
"""

"""What ``classify`` says when the work on an input has ended, and when all inputs are done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from insar_runtime._commands.console import print_report, say

if TYPE_CHECKING:
    from insar_runtime._pipeline.many import Outcome
    from insar_runtime._terminal.reporter import Reporter


def print_facts(facts: dict[str, Any], outcomes: Sequence[Outcome], *, alone: bool) -> None:
    """Print the facts of a run as JSON; of one input only its own."""
    if not alone:
        print_report(facts, "", as_json=True)
    elif outcomes[0].summary is not None:
        print_report({**facts["files"][0], "peak_memory_mb": facts["peak_memory_mb"]}, "", as_json=True)


def say_next(outcomes: Sequence[Outcome]) -> None:
    """Write what to do with the last output that was written."""
    from insar_runtime._terminal.texts import next_step

    written = [one.summary for one in outcomes if one.summary is not None and not one.summary.skipped]
    if written and (step := next_step(written[-1].output)):
        say(step)


def report_outcome(reporter: Reporter, outcome: Outcome) -> None:
    """Report the summary of an input, the error that ended the work on it, or why it was skipped."""
    if outcome.error is not None:
        reporter.failed(outcome.error)
    elif outcome.summary is not None and outcome.summary.skipped:
        reporter.skipped(
            outcome.input,
            f"{outcome.summary.output} was written from the same input, with the same model and parameters",
        )
    elif outcome.summary is not None:
        reporter.finished(outcome.summary)

"""``insar-rt demo``, ``models``, ``doctor`` and ``bench``: about the package itself, no input needed."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from insar_runtime._commands.command_options import (
    DeviceOption,
    JsonOption,
    ModelOption,
    OverwriteOption,
    PrecisionOption,
    open_classifier,
)
from insar_runtime._commands.console import loading, print_report, say, watched
from insar_runtime._commands.option_groups import MACHINE, OUTPUT
from insar_runtime._printable import printable
from insar_runtime._signals import last_outputs


def demo(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File to keep the classified table in: .parquet, .gpkg, .csv or .arrow; by default it is not kept.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    save_input: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write the embedded table to this zip, to try other commands with.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    precision: PrecisionOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Classify an embedded table and compare with its known truth.

    The table looks like an EGMS download.
    """
    import shlex
    import tempfile

    from insar_runtime._terminal.texts import describe_summary, next_step

    with loading("demo"):
        from insar_runtime._installation.demo import describe_demo, run_demo, save_table

    if save_input is not None:
        save_table(save_input, overwrite=overwrite)
    with (
        tempfile.TemporaryDirectory() as folder,
        watched("demo", phase="classifying"),
        last_outputs(output is not None),
    ):
        outcome = run_demo(
            output or Path(folder) / "demo.parquet",
            classifier=open_classifier(None, device, precision, None, None),
            overwrite=overwrite,
        )
    table = describe_demo(outcome.table, outcome.accuracy, outcome.answered, outcome.summary.rows)
    facts = {"summary": outcome.summary.to_dict(), "table": outcome.table, "accuracy": outcome.accuracy}
    summary = replace(outcome.summary, input=Path(outcome.summary.input).name)
    lines = describe_summary(printable(summary)).split("\n")
    if output is None:
        # The file is gone by now.
        lines = [line for line in lines if not line.startswith(summary.output)]
    print_report(facts, "\n".join([*lines, "", table]), as_json=as_json)
    if save_input is not None:
        say(f"{printable(str(save_input))}: written; next: insar-rt inspect {shlex.quote(str(save_input))}")
    if output is not None:
        say(next_step(str(output)) or "")
    elif save_input is None:
        say("next: insar-rt demo --save-input demo.zip writes this table, to try inspect, classify and report with")


def models(as_json: JsonOption = False) -> None:
    """List the shipped models."""
    from insar_runtime._terminal.texts import describe_mapping
    from insar_runtime.models import DEFAULT_MODEL, list_models, load_model

    facts = {
        name: {
            "version": model.version,
            "default": name == DEFAULT_MODEL,
            "classes": list(model.classes),
            "epochs": f"{model.limits.min_epochs} to {model.limits.max_epochs}",
            "longest gap in days": model.limits.max_gap_days,
            "abstains below": model.abstain_below,
            "stable below mm/yr": model.stable_rate_mm_yr,
            "files": {
                key: f"{file['bytes']} bytes, SHA-256 {file['sha256']}" for key, file in model.card["files"].items()
            },
            "metrics": model.card["metrics"],
        }
        for name in list_models()
        for model in [load_model(name)]
    }
    print_report(facts, describe_mapping(facts), as_json=as_json)


def doctor(as_json: JsonOption = False) -> None:
    """Check the installation: versions, devices, models."""
    from insar_runtime._terminal.texts import describe_mapping

    with watched("doctor", phase="checking"):
        from insar_runtime._installation.doctor import examine

        facts, trouble = examine()
    print_report(facts, describe_mapping(facts), as_json=as_json)
    if trouble:
        raise trouble


def bench(
    model: ModelOption = None,
    device: DeviceOption = "auto",
    seconds: Annotated[
        float,
        typer.Option(min=1, metavar="S", help="Seconds that it may take, roughly.", rich_help_panel=MACHINE),
    ] = 30.0,
    as_json: JsonOption = False,
) -> None:
    """Measure the speed of this machine: the model, and a whole file."""
    with watched("bench", phase="measuring"):
        from insar_runtime._installation.bench import describe_speeds, measure_device

        facts = measure_device(model, device, seconds)
    print_report(facts, describe_speeds(facts), as_json=as_json)

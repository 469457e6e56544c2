"""Command line of the export side: ``python -m export --help``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from insar_runtime.errors import InputNotFoundError, InsarRuntimeError

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "runtime" / "insar_runtime" / "models"

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - people read stderr


@app.command()
def package(
    folder: Annotated[Path, typer.Argument(help="Record with a Keras file and its report.")] = (
        ROOT / "artifacts" / "paper-cnn"
    ),
    ship: Annotated[bool, typer.Option(help="Also put the model into the run-time package.")] = False,
) -> None:
    """From a Keras file to a packaged model: convert, quantize, prove, describe."""
    from export.package import package as make

    make(folder, ship_to=SHIPPED if ship else None, announce=_say)


@app.command()
def everything(
    samples: Annotated[int, typer.Option(min=500, help="Simulated series to train on.")] = 240_000,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training series.")] = 16,
) -> None:
    """From nothing to the released package: simulate, train, export, ship, make the demo."""
    for arguments in (
        ["training", "simulate"],
        ["training", "fit", "--samples", str(samples), "--epochs", str(epochs)],
        ["training", "demo"],
        ["export", "package", "--ship"],
    ):
        _say("$ python -m " + " ".join(arguments))
        subprocess.run([sys.executable, "-m", *arguments], check=True, cwd=ROOT)


def main() -> None:
    """Run the command line, in a process whose sets have a fixed order: tf2onnx walks through some."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        command = [sys.executable, "-m", "export", *sys.argv[1:]]
        raise SystemExit(subprocess.run(command, env=environment, check=False).returncode)
    try:
        app()
    except InsarRuntimeError as error:
        _say(f"export: error: {error}")
        sys.exit(error.exit_code)
    except (FileNotFoundError, NotADirectoryError) as error:
        _say(f"export: error: {error.filename} is not there; give a folder that python -m training fit has made")
        sys.exit(InputNotFoundError.exit_code)


if __name__ == "__main__":
    main()

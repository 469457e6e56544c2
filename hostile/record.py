"""The record of a large run: one table of cases an attack, and a README made from the tables."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

import insar_runtime
from hostile.results import BAD, GOOD, CaseResult, count_outcomes, write_results
from insar_runtime._engine.onnx_runtime import import_onnxruntime

_JUDGED: Final[Mapping[str, str]] = {
    "files": "files of every container, damaged in meaning, structure or bytes, through `classify`, `inspect`, `show`, "
    "`report`, `convert`, `areas`, and beside a whole one through `compare` and `join`: exit code 0, 65 or 71, or 10 "
    "for an alert; one error line of at most 500 characters; no traceback, no control character; no file unless the "
    "run has succeeded; rows, identifiers and classes as DuckDB, SQLite or the csv module read the input and the "
    "Python API classifies it; 1,500 MB and 40 s of processor time at most; one case in 50 once more as a process of "
    "its own",
    "kills": "real runs that get SIGINT, SIGTERM, SIGHUP or SIGKILL at a random moment: exit code 0 or 128 plus the "
    "signal, or, in the first hundredths of a second, while Python starts, the signal itself or 1; outputs all old or "
    "all new, and whole; no hidden file, after SIGKILL none after the next run",
    "full-disk": "files that may not grow beyond some bytes, file systems of some kilobytes, `/dev/full`: exit code "
    "74, one line, old outputs untouched, no new file; or 0 where all of the output fits",
    "pairs": "two runs that write the same outputs at once: without `--overwrite` one ends with 0 and the other with "
    "73; all files are whole, and of one run",
    "limits": "`ulimit -v`, `ulimit -n`, `--memory-limit`: exit code 0, 71 or 74, one line, no file unless 0; at most "
    "5 % more memory than allowed; where not even Python starts, or OpenBLAS ends the process, exit code 1 and no file",
    "forged": "metadata of our own keys in Parquet, Arrow, GeoPackage and beside CSV, forged in type, depth and size, "
    "and columns of classified tables, forged in type, range, name and number, into `report`, `show`, `inspect`, "
    "`restore`, `classify`, `convert`, `compare`, `join`, `areas`: exit code 0 or 65, one line, all rows, no script in "
    "a page",
    "models": "model folders with forged descriptions, damaged networks, networks whose answers are no probabilities, "
    "and files that are no files: exit code 0, 69, 71, 74 or 77, one line; what is written are probabilities",
}


def write_record(
    results: Mapping[str, Sequence[CaseResult]], seed: int, seconds: Mapping[str, float], out: Path
) -> None:
    """Write the tables, and the README from them.

    Parameters
    ----------
    results : mapping of str to sequence of CaseResult
        By attack.
    seed : int
    seconds : mapping of str to float
        Time that each attack took.
    out : Path
        Folder of the record.
    """
    for name, cases in results.items():
        write_results(cases, out / f"{name}.csv")
    facts = {
        "seed": seed,
        "counts": {name: len(cases) for name, cases in results.items()},
        "minutes": {name: round(value / 60, 1) for name, value in seconds.items()},
        "versions": {
            "insar-runtime": insar_runtime.__version__,
            "model": "{} {}".format(*_model()),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pyarrow": pa.__version__,
            "onnxruntime": import_onnxruntime().__version__,
            "system": f"{platform.system()} {platform.machine()}",
        },
    }
    (out / "run.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    (out / "README.md").write_text(describe(results, facts), "utf-8")


def _model() -> tuple[str, str]:
    model = insar_runtime.load_model()
    return model.name, model.version


def describe(results: Mapping[str, Sequence[CaseResult]], facts: Mapping[str, Any]) -> str:
    """Return the README of a record."""
    counts = {name: count_outcomes(cases) for name, cases in results.items()}
    total, bad = (
        sum(len(cases) for cases in results.values()),
        sum(c.is_bad for cases in results.values() for c in cases),
    )
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    lines = [
        "# Hostile files and circumstances",
        "",
        f"Written by `python -m hostile all` with seed {facts['seed']}: {total:,} cases, {bad:,} with an outcome that",
        f"must not be. {versions}.",
        "",
        "Each CSV has one row a case: what was attacked, what was tried, the command line, the outcome, the exit code.",
        "The same seed and number make the same case again:",
        "`python -m hostile ATTACK --seed SEED --first NUMBER --count 1 --keep FOLDER`.",
        "What a kill, a pair or a limit interrupts depends on the moment as well.",
        "",
        "## Outcomes",
        "",
        f"| attack | cases | minutes | {' | '.join(GOOD)} | {' | '.join(BAD)} |",
        f"|---|{'---|' * (2 + len(GOOD) + len(BAD))}",
    ]
    for name, cases in results.items():
        cells = [f"{counts[name][outcome]:,}" for outcome in (*GOOD, *BAD)]
        lines.append(f"| {name} | {len(cases):,} | {facts['minutes'].get(name, '')} | {' | '.join(cells)} |")
    lines += [
        "",
        "*ok*: exit code 0 and everything right. *refused*: one line, a documented exit code, nothing written.",
        "*killed*: ended by the signal that was sent, with the outputs as before.",
        "",
        "## What is judged",
        "",
    ]
    lines += [f"- `{name}`: {_JUDGED[name]}." for name in results]
    lines += [
        "",
        "## What was attacked",
        "",
        "| attack | kind | cases | ok | refused or killed | must not be |",
        "|---|---|---|---|---|---|",
    ]
    for name, cases in results.items():
        for kind in sorted({case.kind for case in cases}):
            of_kind = Counter("bad" if case.is_bad else case.outcome for case in cases if case.kind == kind)
            refused = of_kind["refused"] + of_kind["killed"]
            cells = [f"{number:,}" for number in (sum(of_kind.values()), of_kind["ok"], refused, of_kind["bad"])]
            lines.append(f"| {name} | {kind} | {' | '.join(cells)} |")
    codes = Counter((name, case.code) for name, cases in results.items() for case in cases)
    lines += ["", "## Exit codes", "", "| attack | exit codes, with the number of cases |", "|---|---|"]
    for name in results:
        found = sorted((code, count) for (attack, code), count in codes.items() if attack == name)
        lines.append(f"| {name} | {', '.join(f'{code}: {count:,}' for code, count in found)} |")
    return "\n".join(lines) + "\n"

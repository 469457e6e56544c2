"""Names of the outputs of ``classify``, from the options that name them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insar_runtime.errors import UsageError

if TYPE_CHECKING:
    from insar_runtime._pipeline.many import OutputNaming


def is_alone(
    sources: Sequence[str], output: str | None, output_dir: Path | None, *, as_json: bool, as_table: bool = False
) -> bool:
    """Return whether there is one input whose outputs have names of their own; refuse options that contradict."""
    if output == "":
        raise UsageError("the output has no name; give -o a file, or leave it out")
    if "" in sources:
        raise UsageError("an input has no name; give a file")
    if as_table and len(sources) > 1:
        raise UsageError(f"--as-table takes one folder, and there are {len(sources)} inputs; give them one by one")
    alone = len(sources) == 1 and (sources[0] == "-" or as_table or not _means_many(sources[0]))
    if output is not None and output_dir is not None:
        raise UsageError("-o names one output, --output-dir a folder for many; give one of them")
    if not alone and output is not None:
        raise UsageError(f"-o {output} is one file, and there may be many inputs; give --output-dir a folder")
    if output_dir is not None and "-" in sources:
        raise UsageError("standard input has no name that an output could take; name it with -o")
    if not alone and "-" in sources:
        raise UsageError("standard input is one input; give it alone")
    if as_json and (output == "-" or (output is None and output_dir is None and list(sources) == ["-"])):
        raise UsageError("--json and -o - both want standard output; give -o a file")
    return alone


def _means_many(source: str) -> bool:
    from glob import has_magic

    from insar_runtime._input.locations import locate

    path = locate(source)
    return path.is_dir() or (has_magic(source) and not path.exists())


def named(places: OutputNaming, output: str | None) -> Callable[[str], dict[str, Any]]:
    """Return the outputs of the one input, as the user named them."""
    from insar_runtime._input.locations import locate

    def place(source: str) -> dict[str, Any]:
        where: Path | str
        if output is not None:
            where = output
        elif source == "-" and places.folder is None:
            where = "-"
        else:
            where = places.output(locate(source))
        return {
            "output": where,
            "also": [] if places.gpkg is None else [places.gpkg],
            "quarantine": places.quarantine,
            "corrected": places.corrected,
        }

    return place


def placed(places: OutputNaming) -> Callable[[Path], dict[str, Any]]:
    """Return the outputs of one of many inputs."""
    return lambda source: {
        "output": places.output(source),
        "also": places.also(source),
        "quarantine": places.bad(source),
        "corrected": places.repaired(source),
    }

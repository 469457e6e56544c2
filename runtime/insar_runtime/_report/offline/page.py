"""HTML file of the page that classifies in the browser: its scripts, the model and onnxruntime-web."""

from __future__ import annotations

import base64
import html
import json
import zlib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from insar_runtime._input.producers import attribution_of
from insar_runtime._output.palette import CLASS_COLOURS, NO_CLASS_COLOUR
from insar_runtime._report.offline.web_runtime import WebRuntime
from insar_runtime._report.page import policy_hash, report_body, report_script, report_style
from insar_runtime._version import __version__
from insar_runtime.class_meanings import describe_classes
from insar_runtime.classes import CLASS_NAMES, STATUS_NAMES
from insar_runtime.errors import UsageError
from insar_runtime.models import Model

_HERE: Final = "insar_runtime._report.offline"
_WORKER: Final = ("rules.mjs", "zip.js", "csv.js", "units.js", "worker.js")
_PAGE: Final = ("gathered.js", "table.js", "offline.js")
"""Parts of the two scripts in the order in which they are joined."""
_ARRAYS_GIVEN: Final = """/** Arrays of the page, as they were given. */
async function unpack(name) {
  return given[name] ?? new Uint8Array(0);
}
"""
"""Takes the place of ``unpack.js``: the arrays are there already."""
_TITLE: Final = "Classify InSAR time series"
_CARD_FIELDS: Final = ("limits", "thresholds", "stable_rate_mm_yr", "training_priors", "golden")
"""What the rules in JavaScript read of ``model.json`` beside the classes."""


def offline_parts(model: Model, runtime: WebRuntime) -> Iterator[str]:
    """Yield the text of the page in parts.

    The content security policy allows the script and the style of the file by their hashes, workers that this script
    makes, and WebAssembly; no connection of any kind. Model, WebAssembly and the script of the workers are deflated and
    in base64, so nothing in them can end an element.

    Parameters
    ----------
    model : Model
        Of six classes, with files in both precisions and golden vectors; its files are checked against their SHA-256.
    runtime : WebRuntime
        Files of onnxruntime-web.

    Raises
    ------
    UsageError
        If the model is of other classes, or lacks a precision or golden vectors.
    InsarRuntimeError
        If a file of the model cannot be read or is not the released one.
    """
    if model.classes != CLASS_NAMES or set(model.precisions) != {"int8", "fp32"} or "golden" not in model.card:
        raise UsageError(
            f"model {model.name} has not the six classes, both precisions and golden vectors that the page needs; "
            "leave --model away"
        )
    script = f'"use strict";\nfunction showReport(given) {{\n{report_script(_ARRAYS_GIVEN)}}}\n{_joined(_PAGE)}'
    style = report_style() + _text("offline.css")
    before, after = _text("offline.html").split("<!-- assets -->")
    filled = {
        "<!-- policy -->": _policy(script, style),
        "<!-- title -->": html.escape(_TITLE),
        "/* style */": style,
        "<!-- report -->": report_body(),
        "<!-- base -->": json.dumps(_base(model, runtime), allow_nan=False).replace("<", "\\u003c"),
        "<!-- origin -->": f"insar-rt {__version__}, model {html.escape(f'{model.name} {model.version}')}.",
    }
    for mark, text in filled.items():
        before = before.replace(mark, text)
    yield before
    # In a block of its own, so that our names do not clash with those of the package.
    worker = f"{runtime.script}\n{{\n{_joined(_WORKER)}}}\n"
    assets = {
        "wasm": runtime.wasm,
        "int8": model.read("int8"),
        "fp32": model.read("fp32"),
        "golden": model.read_golden("int8") or b"",
        "worker": worker.encode(),
    }
    for name, data in assets.items():
        yield f'<script type="text/plain" id="asset-{name}">'
        yield base64.b64encode(zlib.compress(data)).decode("ascii")
        yield "</script>\n"
    yield after.replace("/* script */", script)


def _base(model: Model, runtime: WebRuntime) -> Mapping[str, Any]:
    """Return what the scripts know before there is a file."""
    rate = model.stable_rate_mm_yr
    about = [
        ["Model", f"{model.name} {model.version}"],
        ["Model SHA-256", model.sha256("int8")],
        ["Software", f"page of insar-runtime {__version__}, onnxruntime-web {runtime.version}"],
        *([["Stable", f"below {rate:g} mm/yr"]] if rate is not None else []),
        ["Abstains", f"below a confidence of {model.abstain_below:g}"],
    ]
    return {
        "title": _TITLE,
        "about": about,
        "attribution": attribution_of("EGMS L2b"),
        "model": {"classes": list(model.classes), **{name: model.card[name] for name in _CARD_FIELDS}},
        "facts": {
            "groups": [*CLASS_NAMES, "No class"],
            "meanings": list(describe_classes(rate).values()),
            "colours": [*CLASS_COLOURS.values(), NO_CLASS_COLOUR],
            "statuses": list(STATUS_NAMES),
            "abstainBelow": model.abstain_below,
        },
    }


def _policy(script: str, style: str) -> str:
    return (
        f"default-src 'none'; script-src '{policy_hash(script)}' 'wasm-unsafe-eval'; worker-src blob:; "
        f"style-src '{policy_hash(style)}'; img-src data:; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )


def _joined(names: tuple[str, ...]) -> str:
    """Return scripts as one; ``export`` is for those who import ``rules.mjs`` as a module."""
    lines = "".join(_text(name) for name in names).splitlines(keepends=True)
    return "".join(line.removeprefix("export ") for line in lines)


def _text(name: str) -> str:
    return (files(_HERE) / name).read_text(encoding="utf-8")

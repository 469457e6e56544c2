"""Class shares in real files, and sheets of plots of their rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime import Classifier, Result
from insar_runtime._engine.priors import estimated_mix, known_rows
from insar_runtime.classes import CLASS_NAMES, RowStatus, TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from training.announce import Announce
from training.real_files import EGMS_ATTRIBUTION, REAL_FILES, RealFile, read_real
from training.simulator.draws import Floats

_SIDE: Final = 5
_DPI: Final = 55
_CLASS_HEADING: Final = " / ".join(CLASS_NAMES)
_CURVED_OR_WRONG: Final = (TrendClass.QUADRATIC, TrendClass.BILINEAR, TrendClass.PUE)


def look_at_real_files(
    real: Path, models: Sequence[Path], folder: Path, *, sheets: Path | None = None, announce: Announce
) -> None:
    """Classify all real files with all models, and write ``real.json`` and ``real.md`` into a folder.

    Parameters
    ----------
    real : Path
        Folder of the real files.
    models : sequence of Path
        Folders of models; sheets show the classes of the first.
    folder : Path
        Folder of the tables; created if it does not exist.
    sheets : Path, optional
        Folder of sheets with plots of 5 x 5 rows, two for each file and class: those of highest and of lowest
        confidence.
    announce : callable
        Function that receives progress messages.

    Raises
    ------
    InputNotFoundError
        If a real file is not below ``real``.
    UnavailableError
        If a folder has no model.
    """
    classifiers = [Classifier(path, device="cpu") for path in models]
    found: dict[str, dict[str, Any]] = {}
    for file in REAL_FILES:
        displacement, days = read_real(real, file)
        found[file.name] = {"rows": len(displacement), "models": {}}
        for place, classifier in enumerate(classifiers):
            result = classifier.classify_matrix(displacement, days)
            learned = file.name in classifier.model.card["training"].get("noise files", ())
            shares = _shares(classifier, displacement, days, result)
            found[file.name]["models"][_label(classifier)] = {"noise trained on": learned, **shares}
            if sheets is not None and place == 0:
                announce(f"drawing {file.name}")
                _draw_sheets(file, displacement, days, result, sheets)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "real.json").write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    (folder / "real.md").write_text("\n".join(_markdown(found)) + "\n", encoding="utf-8")
    announce(f"tables in {folder}")


def _label(classifier: Classifier) -> str:
    return f"{classifier.model.name} {classifier.model.version} {classifier.precision}"


def _shares(classifier: Classifier, displacement: Floats, days: Floats, result: Result) -> dict[str, Any]:
    answered = np.isin(result.status, (RowStatus.OK, RowStatus.ABSTAINED))
    classes = len(classifier.model.classes)
    known = known_rows(result.probabilities[:, :classes], classifier.model.unsure_below)
    mix = estimated_mix(known, classifier.model.training_priors)
    weighted = classifier.with_priors(mix).classify_matrix(displacement, days)
    return {
        "shares": _of_classes(result.class_id),
        "abstained": _share(result.status == RowStatus.ABSTAINED),
        "not classified": _share(~answered),
        "quadratic, bilinear and PUE": _share(np.isin(result.class_id, _CURVED_OR_WRONG)),
        "estimated mix": {name: round(share, 5) for name, share in mix.shares.items()},
        "shares with the estimated mix": _of_classes(weighted.class_id),
    }


def _of_classes(class_id: NDArray[np.int8]) -> dict[str, float]:
    return {name: _share(class_id == place) for place, name in enumerate(CLASS_NAMES)}


def _share(rows: NDArray[np.bool_]) -> float:
    return round(float(np.mean(rows)), 5)


def _markdown(found: dict[str, dict[str, Any]]) -> list[str]:
    lines = [
        "# Class shares of real files",
        "",
        "Written by `python -m evaluation look`. The true classes are unknown, so the shares are no accuracy; they",
        "show, for example, how many points of a quiet area are classified as moving. Shares in % of all rows, with",
        "the threshold of each model; in the last column, with the class mix that `--priors auto` estimates from the",
        "file. Models with * were trained on the noise of the file.",
        "",
        f"| file | rows | model | {_CLASS_HEADING} | no class | Quadratic, Bilinear, PUE | with estimated mix |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, file in found.items():
        for model, said in file["models"].items():
            unclassed = said["abstained"] + said["not classified"]
            lines.append(
                f"| {name} | {file['rows']} | {model}{' *' if said['noise trained on'] else ''} "
                f"| {_percent(said['shares'])} | {100 * unclassed:.1f} "
                f"| {100 * said['quadratic, bilinear and PUE']:.2f} "
                f"| {_percent(said['shares with the estimated mix'])} |"
            )
    return [*lines, "", EGMS_ATTRIBUTION + "."]


def _percent(shares: dict[str, float]) -> str:
    return " / ".join(f"{100 * share:.1f}" for share in shares.values())


def _draw_sheets(file: RealFile, displacement: Floats, days: Floats, result: Result, folder: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only figures need it

    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    for class_id, name in enumerate(CLASS_NAMES):
        rows = np.flatnonzero(result.class_id == class_id)
        if not len(rows):
            continue
        order = rows[np.argsort(-result.confidence[rows], kind="stable")]
        for kind, chosen in (("most", order[: _SIDE**2]), ("least", order[::-1][: _SIDE**2])):
            path = folder / f"{file.name}-{name.lower()}-{kind}.png"
            _draw_sheet(path, f"{file.name}: {name}, {kind} confident", displacement[chosen], days, result, chosen)


def _draw_sheet(
    path: Path, title: str, displacement: Floats, days: Floats, result: Result, rows: NDArray[np.int64]
) -> None:
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(_SIDE, _SIDE, figsize=(17, 12), layout="constrained")
    for axis in axes.flat[len(rows) :]:
        axis.set_axis_off()
    for axis, row, values in zip(axes.flat, rows, displacement, strict=False):
        valid = np.isfinite(values)
        axis.plot(days[valid] / DAYS_PER_YEAR, values[valid], ".-", ms=2.5, lw=0.4)
        said = " ".join(
            f"{short[0]}{100 * p:.0f}"
            for short, p in zip(CLASS_NAMES, result.probabilities[row], strict=True)
            if np.isfinite(p)
        )
        axis.set_title(f"row {row}: {said}", fontsize=7)
        axis.tick_params(labelsize=6)
    figure.suptitle(f"{title}; mm over years\n{EGMS_ATTRIBUTION}", fontsize=7)
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)

"""Model card, from ``model.json`` and the report of the training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from insar_runtime import definitions
from insar_runtime.class_meanings import describe_classes
from insar_runtime.classes import CLASS_NAMES


def model_card(card: dict[str, Any], report: dict[str, Any]) -> str:
    """Return the model card in Markdown.

    Parameters
    ----------
    card : dict
        Contents of ``model.json``.
    report : dict
        Contents of ``report.json``.
    """
    metrics, limits, gates = card["metrics"], card["limits"], card["thresholds"]["int8_against_keras"]
    low, high = metrics["test_accuracy_95"]
    lines = [
        f"# Model card: {card['name']} {card['version']}",
        "",
        "Written by `python -m export package`. Every number comes from `model.json` and `report.json` here.",
        "",
        "**Task.** Classification of the trend of a displacement time series of a persistent scatterer: "
        f"{', '.join(card['classes'])}. Inputs and outputs are described in `model.json`; preparation and calibration "
        "are part of the graph.",
        "",
        *_what_it_is(report),
        "",
        f"**Trained on** {card['training']['series']['train']} series: {card['training']['data']}, seed "
        f"{card['training']['seed']}. {_real_noise(card['training'])}{_readings(card['training'])}",
        "",
        *_meanings(card),
        f"**Accuracy** on {report['test']['series']} simulated test series: {100 * metrics['test_accuracy']:.2f} % "
        f"(95 % interval {100 * low:.2f}-{100 * high:.2f}), classes balanced; expected calibration error "
        f"{metrics['test_expected_calibration_error']:.4f}. Details: `report.md`, `confusion.png`.",
        "",
        "| class | recall |",
        "|---|---|",
        *(f"| {name} | {'-' if value is None else f'{value:.3f}'} |" for name, value in metrics["test_recall"].items()),
        "",
        "| compared with Keras | series | max. difference | equal labels | the same, confident | accuracy | Keras |",
        "|---|---|---|---|---|---|---|",
    ]
    for precision, found in metrics["against_keras"].items():
        lines.append(
            f"| {precision} | {found['series']} | {found['max_difference']:.2g} | {100 * found['agreement']:.2f} % "
            f"| {100 * found['confident_agreement']:.2f} % | {100 * found['accuracy']:.2f} % "
            f"| {100 * found['keras_accuracy']:.2f} % |"
        )
    lines += [
        "",
        f"Limits of the export: fp32 within 1e-5 of Keras; int8 labels agree on {100 * gates['agreement']:g} % of the "
        f"series, and on {100 * gates['confident_agreement']:g} % of those with a confidence above "
        f"{gates['confident']} in Keras (column `confident`).",
        "",
        f"**Limits.** {limits['min_epochs']} to {limits['max_epochs']} epochs, no gap above "
        f"{limits['max_gap_days']} days, no range above {limits['max_range_mm']:g} mm; other rows get a status "
        f"and no class. Below a confidence of {card['thresholds']['abstain_below']} a row gets no class either.",
        *_rate_crossing(report),
        "",
        "**Limitations.**",
        "",
        "- The simulated test set is balanced. In areas in which nearly all points are stable, most points of a rare "
        "class are then false detections: state the class mix with `--priors`, and use the probabilities.",
        f"- Half a wavelength is {card['half_wavelength_mm']} mm (Sentinel-1). EGMS L3 combines tracks, so "
        "unwrapping errors are no multiples of it.",
        "- The class does not depend on the reference epoch. It may depend on the sign: a series near the limit "
        "between two classes and its mirror image may get different classes.",
        *(_ABOUT_TREND_NET if "network" in report else _ABOUT_PAPER_CNN),
        *(() if tuple(card["classes"]) == CLASS_NAMES else _ABOUT_FIVE),
    ]
    return "\n".join(lines) + "\n"


_ABOUT_PAPER_CNN: Final = (
    "- The simulator has slow noise, strong annual cycles and joins of two releases, but real noise has more of "
    "them; such series are classified as Quadratic or Bilinear too often.",
    "- All series are interpolated to 139 dates: in longer series, jumps of one or two epochs are smoothed.",
)
_ABOUT_TREND_NET: Final = (
    "- Epochs are used as they are, without interpolation. Padding at the end has no effect; the position of missing "
    "epochs has a small one.",
    f"- Changes of level of {definitions.JUMP_MM:g} mm or more within {definitions.JUMP_EDGE_EPOCHS} epochs are "
    "classified as PUE, whatever their cause: a true step of that size cannot be distinguished.",
    "- The training does not contain all possible motions: some motions of class Other get another class.",
    "- The simulated series are difficult on purpose (short and sparse calendars, curves that depart by no more than "
    "the scatter, slow noise, outliers): their accuracy cannot be compared with that on selected series.",
    "- The agreement with automated readers, who labelled real rows from plots, is in `artifacts/readings`. If "
    "readers differ, no class agrees with all of them.",
)
_ABOUT_FIVE: Final = (
    "- The model does not have the class Other: a motion that none of its classes describes gets one of them, or no "
    "class if the confidence is low.",
)


def _rate_crossing(report: dict[str, Any]) -> list[str]:
    """Return the table of the rate at which Stable and Linear are equally probable, if the report has one."""
    crossing = report.get("rate crossing")
    if not crossing:
        return []
    noises = crossing["white noise, mm"]
    head = " | ".join(f"{noise:g} mm" for noise in noises)
    lines = [
        "",
        f"**The limit between Stable and Linear** is {definitions.STABLE_RATE_MM_YR:g} mm/yr, if the standard "
        "deviation of the rate is at most a third of it (`--stable-rate` changes the limit). Rates in mm/yr at which "
        "both classes are equally probable, for lines in white noise with an acquisition every 12 days "
        "(`crossing.png`):",
        "",
        f"| span | noise {head} |",
        "|---" * (len(noises) + 1) + "|",
    ]
    for span, rates in zip(crossing["spans, years"], crossing["rate, mm/yr"], strict=True):
        shown = " | ".join("above 10" if rate is None else f"{rate:.2f}" for rate in rates)
        lines.append(f"| {span:g} years | {shown} |")
    return lines


def _what_it_is(report: dict[str, Any]) -> list[str]:
    if "network" not in report:
        return [
            "**Design.** The network of Mirmazloumi et al. (ISPRS Archives, 2022) as printed; our choices for what the "
            "paper leaves open:",
            "",
            *(f"- {name}: {text}" for name, text in report["choices that the paper leaves open"].items()),
        ]
    layers = [
        f"{layer['filters']} x {layer['width']}"
        + (f", stride {layer['stride']}" if layer["stride"] > 1 else "")
        + (f", dilation {layer['dilation']}" if layer["dilation"] > 1 else "")
        for layer in report["network"]["convolutions"]
    ]
    return [
        f"**Design.** A convolutional network with {report['weights']} weights and "
        f"{report['multiply-adds at 139 epochs']} multiply-adds for a series of 139 epochs (our design). The "
        "least-squares line is subtracted; its parameters are features of the dense layers. The residuals, in units of "
        "their scatter and of half wavelengths, with and without the annual cycle, "
        f"pass convolutions over the epochs ({'; '.join(layers)}) and are averaged over "
        f"{report['network']['parts']} overlapping parts of the span; means and features enter a dense layer of "
        f"{report['network']['dense']}.",
    ]


def _meanings(card: Mapping[str, Any]) -> Iterator[str]:
    """Return a table of the meaning of the classes, for a model with the present definitions; otherwise nothing."""
    if "definitions" not in card:
        return
    yield "| class | meaning |"
    yield "|---|---|"
    for name, meaning in describe_classes(card["stable_rate_mm_yr"]).items():
        yield f"| {name} | {meaning} |"
    yield ""
    yield "Series of every class may have an annual cycle, coloured noise, single bad epochs, gaps and 6- or 12-day"
    yield "sampling."
    yield ""


def _readings(training: Mapping[str, Any]) -> str:
    if not training.get("readings"):
        return ""
    files = ", ".join(training["readings"])
    return f" It was also trained on labelled rows of these files (`artifacts/readings`): {files}."


def _real_noise(training: dict[str, Any]) -> str:
    if not training.get("noise files"):
        return "No real series was used."
    attribution = "".join(f" {owner}." for owner in training.get("attribution", ()))
    names = ", ".join(training["noise files"])
    return f"Noise of real, unlabelled series was used, of these files: {names}.{attribution}"

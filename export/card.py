"""Model card for users, made from ``model.json`` and the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from insar_runtime import definitions
from insar_runtime.class_meanings import describe_classes
from insar_runtime.classes import CLASS_NAMES


def model_card(card: dict[str, Any], report: dict[str, Any]) -> str:
    """Write the card as Markdown.

    Parameters
    ----------
    card : dict
        ``model.json``.
    report : dict
        ``report.json`` of the training.
    """
    metrics, limits, gates = card["metrics"], card["limits"], card["thresholds"]["int8_against_keras"]
    low, high = metrics["test_accuracy_95"]
    lines = [
        f"# Model card: {card['name']} {card['version']}",
        "",
        "Written by `python -m export package`. Every number comes from `model.json` and `report.json` here.",
        "",
        "**What it does.** Tells which trend a displacement time series of a persistent scatterer shows: "
        f"{', '.join(card['classes'])}. Inputs and outputs are in `model.json`; preparation and calibration are "
        "inside the graph.",
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
        "| against Keras | series | max difference | labels that agree | where Keras is sure | accuracy | Keras |",
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
        f"Gates of the export: fp32 within 1e-5 of Keras; int8 labels agree on {100 * gates['agreement']:g} %, on "
        f"{100 * gates['confident_agreement']:g} % where Keras is more than {gates['confident']} sure.",
        "",
        f"**Limits.** {limits['min_epochs']} to {limits['max_epochs']} epochs, no gap above "
        f"{limits['max_gap_days']} days, no range above {limits['max_range_mm']:g} mm; other rows get a status "
        f"and no class. Below a confidence of {card['thresholds']['abstain_below']} a row gets no class either.",
        *_rate_crossing(report),
        "",
        "**Know before use.**",
        "",
        "- The simulated test set is balanced. Where nearly all points are stable, most calls of a rare class "
        "are false at the same recall: state the mix with `--priors`, and look at the probabilities.",
        f"- Half a wavelength is {card['half_wavelength_mm']} mm (Sentinel-1). In EGMS L3 tracks are mixed, and "
        "an unwrapping error is no multiple of it.",
        "- The reference epoch does not matter. The sign does a little: a series near the border of two classes and "
        "its mirror image may fall on different sides.",
        *(_ABOUT_TREND_NET if "network" in report else _ABOUT_PAPER_CNN),
        *(() if tuple(card["classes"]) == CLASS_NAMES else _ABOUT_FIVE),
    ]
    return "\n".join(lines) + "\n"


_ABOUT_PAPER_CNN: Final = (
    "- Slow wander, strong annual cycles and joins of two releases are in the simulator, but real noise has "
    "more of them; Quadratic and Bilinear are then called too often.",
    "- A series of another length than 139 is interpolated to 139 dates: of long series, jumps of one or two "
    "epochs are smoothed.",
)
_ABOUT_TREND_NET: Final = (
    "- Every epoch is seen as it is, nothing is interpolated. Padding at the end has no say; where missing epochs "
    "stand has a little.",
    f"- Level changes of {definitions.JUMP_MM:g} mm or more within {definitions.JUMP_EDGE_EPOCHS} epochs are called "
    "PUE, whatever made them: a true step of that size looks the same.",
    "- A network cannot know everything that may move: some of what Other means gets another class.",
    "- The simulated series are hard on purpose (short and sparse calendars, curves that depart by no more than the "
    "scatter, wander, outliers): their accuracy is no figure to hold beside that of hand-picked sets.",
    "- On real rows that automated readers of plots have labelled, how often it agrees with them stands in "
    "`artifacts/readings`. Where two readers differ, no network can be right for both.",
)
_ABOUT_FIVE: Final = (
    "- The model does not know the class Other: a motion that none of its classes describes gets one of them, or none "
    "where the model is unsure.",
)


def _rate_crossing(report: dict[str, Any]) -> list[str]:
    """Return the table of the rate that separates Stable from Linear, if the report has one."""
    crossing = report.get("rate crossing")
    if not crossing:
        return []
    noises = crossing["white noise, mm"]
    head = " | ".join(f"{noise:g} mm" for noise in noises)
    lines = [
        "",
        f"**The line between Stable and Linear** is {definitions.STABLE_RATE_MM_YR:g} mm/yr, where a rate is known to "
        "a third of its size (`--stable-rate` moves it). Rates in mm/yr at which both are equally probable, for lines "
        "in white noise, an acquisition every 12 days (`crossing.png`):",
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
            "**What it is.** The network of Mirmazloumi et al. (ISPRS Archives, 2022) as printed; what the paper "
            "leaves open is ours:",
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
        f"**What it is.** A convolutional network of our own with {report['weights']} weights and "
        f"{report['multiply-adds at 139 epochs']} multiply-adds for a series of 139 epochs. The best line is "
        "taken away and goes to the dense layers as numbers; what is left, in units of its own "
        "scatter and of half wavelengths, with and without its yearly cycle, "
        f"passes convolutions over the epochs ({'; '.join(layers)}), is averaged over "
        f"{report['network']['parts']} overlapping parts of the span, and meets the numbers in a dense layer of "
        f"{report['network']['dense']}.",
    ]


def _meanings(card: Mapping[str, Any]) -> Iterator[str]:
    """Return a table of what the classes mean, for a model trained by the definitions that hold now; nothing else."""
    if "definitions" not in card:
        return
    yield "| class | meaning |"
    yield "|---|---|"
    for name, meaning in describe_classes(card["stable_rate_mm_yr"]).items():
        yield f"| {name} | {meaning} |"
    yield ""
    yield "An annual cycle, coloured noise, single bad epochs, gaps and 6/12-day sampling belong to no class."
    yield ""


def _readings(training: Mapping[str, Any]) -> str:
    if not training.get("readings"):
        return ""
    files = ", ".join(training["readings"])
    return f" It has also learned from readings of rows of these files (`artifacts/readings`): {files}."


def _real_noise(training: dict[str, Any]) -> str:
    if not training.get("noise files"):
        return "No real series was used."
    attribution = "".join(f" {owner}." for owner in training.get("attribution", ()))
    names = ", ".join(training["noise files"])
    return f"Noise of real, unlabelled series was used, of these files: {names}.{attribution}"

"""Text of the summary of a conversion."""

from __future__ import annotations

from insar_runtime._convert.conversion import Conversion
from insar_runtime._findings.wording import noun


def describe_conversion(done: Conversion) -> str:
    """Return the lines for a terminal: input, files used, pixels left out, notes, output."""
    more = f" and {len(done.inputs) - 1} more" if len(done.inputs) > 1 else ""
    product = f", {done.product}" if done.product else ""
    lines = [
        f"{done.inputs[0]}{more}: {done.rows} {noun(done.rows, 'point')}, {done.epochs} epochs, {done.first_date} to "
        f"{done.last_date}"
        f"{product}, {done.source_unit} ({done.unit_evidence})"
    ]
    lines += [f"{role}: {name}" for role, name in done.files.items()]
    lines += [f"left out: {count} {noun(count, 'pixel')}, {reason}" for reason, count in done.left_out.items()]
    lines += [f"note: {note}" for note in done.notes]
    rate = f", {done.rows / done.seconds:.0f} points/s" if done.rows and done.seconds else ""
    lines.append(f"{done.output}: {done.bytes / 1e6:.1f} MB, written in {done.seconds:.2f} s{rate}")
    return "\n".join(lines)

/* The table of classes for download: CSV in the order of the file. */

const FORMULA = /^[=+@\t\r-]/;
const PLAIN_NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** Parts of the CSV: id, place, class, confidence, probabilities, status, epochs and longest gap of each point. */
function* tableParts(gathered, layout, base) {
  const { groups, statuses } = base.facts;
  const there = (names) => names.every((name) => layout.roles[name] >= 0);
  const places = [["longitude", "latitude"], ["easting", "northing"]].find(there) ?? [];
  const shares = groups.slice(0, NONE).map((name) => `p_${name.toLowerCase()}`);
  const idName = layout.names[layout.roles.id] ?? "row";
  const classes = ["class_id", "class_name", "class_top", "confidence", ...shares, "status", "n_epochs", "max_gap_days"];
  yield `${[cellOf(idName), ...places, ...classes].join(",")}\n`;
  for (const batch of gathered.batches) {
    const lines = batch.ids.map((id, i) => [
      cellOf(id), ...places.map((name) => numberText(batch[name][i])),
      batch.class_id[i], groups[batch.class_id[i]] ?? "", batch.class_top[i], numberText(batch.confidence[i]),
      ...shares.map((_, c) => numberText(batch.shares[i * NONE + c])),
      statuses[batch.status[i]], batch.epochs[i], batch.gap[i],
    ].join(","));
    yield `${lines.join("\n")}\n`;
  }
}

/** A text cell; one that a spreadsheet would take for a formula gets an apostrophe in front. */
function cellOf(text) {
  const safe = FORMULA.test(text) && !PLAIN_NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A number as it prints; of a float32 its nine significant digits at most. */
function numberText(value) {
  return Number.isNaN(value) ? "" : String(Number(value.toPrecision(9)));
}

/* The rules around the model file: checks of the rows, class priors, abstention, golden vectors. For browsers and Node.

   The same rules as in _engine/row_checks.py, priors.py, stable_rate.py, result.py and _pipeline/class_mix.py;
   docs/model-alone.md describes them.
   "model" is model.json as an object. A matrix holds one series after the other, in mm, NaN = missing. */

export const STATUSES = ["ok", "abstained", "too_few_epochs", "gap_too_long", "non_finite", "out_of_domain"];
export const [OK, ABSTAINED, TOO_FEW_EPOCHS, GAP_TOO_LONG, NON_FINITE, OUT_OF_DOMAIN] = STATUSES.keys();
const [STABLE, LINEAR] = [0, 1];
const DAYS_PER_YEAR = 365.25;
const ROW_MULTIPLE = 8;
const [HEAD_ROWS, MIX_ROWS, LEAST_ROWS, LEAST_SHARE, ESTIMATE_WEIGHT] = [8192, 2048, 100, 1e-3, 0.25];
const DEPENDENT = 1e-6; // part of a column's square that is left of it, below which it counts as made of the others

/** Look at a series before the network does, which turns NaN and infinity into a confident class. */
export function checkRow(values, days, limits) {
  let [epochs, gap, last, low, high] = [0, 0, NaN, Infinity, -Infinity];
  for (let k = 0; k < values.length; k++) {
    if (Number.isNaN(values[k])) continue;
    if (epochs++) gap = Math.max(gap, days[k] - last);
    last = days[k];
    low = Math.min(low, values[k]);
    high = Math.max(high, values[k]);
  }
  // The first reason that holds is the one that is reported.
  let status = OK;
  if (epochs && !(Number.isFinite(low) && Number.isFinite(high))) status = NON_FINITE;
  else if (epochs < limits.min_epochs) status = TOO_FEW_EPOCHS;
  else if (gap > limits.max_gap_days) status = GAP_TOO_LONG;
  else if (Math.fround(high - low) > limits.max_range_mm) status = OUT_OF_DOMAIN;
  return { status, epochs, gap };
}

/** Rate in mm/yr of a line beside an annual sine, by least squares; of a line alone if the values span less than a year. */
export function yearlyRate(values, days) {
  const known = [...values.keys()].filter((k) => !Number.isNaN(values[k]));
  const span = days[known[known.length - 1]] - days[known[0]];
  const years = known.map((k) => (days[k] - (days[0] + days[days.length - 1]) / 2) / DAYS_PER_YEAR);
  const season = span >= DAYS_PER_YEAR ? 1 : 0;
  const dot = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);
  const columns = [
    years.map(() => 1), years.map((t) => season * Math.sin(2 * Math.PI * t)),
    years.map((t) => season * Math.cos(2 * Math.PI * t)), years,
  ];
  const unit = []; // orthonormal, the line the last one (Gram and Schmidt)
  let scale = 0;
  for (const column of columns) {
    let rest = column;
    for (const one of unit) {
      const part = dot(rest, one);
      rest = rest.map((value, k) => value - part * one[k]);
    }
    const square = dot(rest, rest);
    scale = square > DEPENDENT * dot(column, column) ? 1 / Math.sqrt(square) : 0;
    unit.push(rest.map((value) => value * scale));
  }
  return dot(known.map((k) => values[k]), unit[3]) * scale;
}

/** Check the rows, and ask the network about those that may be asked.

    run(block, rows): calls the session with rows * epochs values; resolves to its probabilities, Float32Array.
    Resolves to one value a row of status, epochs and gap, and the shares of the classes, NaN where none was asked. */
export async function askNetwork(run, matrix, rows, days, model) {
  const [width, classes] = [days.length, model.classes.length];
  const found = { status: new Uint8Array(rows), epochs: new Uint16Array(rows), gap: new Uint16Array(rows) };
  const shares = new Float32Array(rows * classes).fill(NaN);
  const asked = [];
  for (let i = 0; i < rows; i++) {
    const check = checkRow(matrix.subarray(i * width, (i + 1) * width), days, model.limits);
    Object.keys(found).forEach((name) => (found[name][i] = check[name]));
    if (check.status === OK) asked.push(i);
  }
  if (asked.length) {
    // Full blocks of eight: matrix products of fewer rows may round in another way.
    const padded = Math.ceil(asked.length / ROW_MULTIPLE) * ROW_MULTIPLE;
    const block = new Float32Array(padded * width);
    for (let k = 0; k < padded; k++) {
      const i = asked[Math.min(k, asked.length - 1)];
      block.set(matrix.subarray(i * width, (i + 1) * width), k * width);
    }
    const answer = await run(block, padded);
    asked.forEach((i, k) => shares.set(answer.subarray(k * classes, (k + 1) * classes), i * classes));
  }
  return { ...found, shares };
}

/** Turn shares of the network into classes; priors: the mix of classes that they are to hold for, or null for that of
    the training. Changes status and shares; returns class_id (-1 for none), class_top and confidence. */
export function decide({ status, shares }, matrix, days, model, priors = null) {
  const [rows, width, classes] = [status.length, days.length, model.classes.length];
  const { abstain_below: abstain, unsure_below: unsure } = model.thresholds;
  const class_id = new Int8Array(rows).fill(-1);
  const class_top = new Int8Array(rows).fill(-1);
  const confidence = new Float32Array(rows).fill(NaN);
  for (let i = 0; i < rows; i++) {
    if (status[i] !== OK) continue;
    const mine = shares.subarray(i * classes, (i + 1) * classes);
    // Priors turn equal probabilities into the most frequent class: what was unsure before them stays so.
    let sure = !(Math.max(...mine) < Math.fround(Math.min(unsure, abstain)));
    if (priors) mine.set(reweight(mine, priors, model.training_priors));
    const most = Math.max(...mine);
    const top = mine.indexOf(most);
    [class_top[i], confidence[i]] = [top, most];
    // Stable and Linear differ by the rate alone, so near the limit between them they count together.
    const limit = model.stable_rate_mm_yr ?? null;
    const together = limit !== null && top <= LINEAR;
    const certainty = together ? Math.fround(mine[STABLE] + mine[LINEAR]) : most;
    sure &&= certainty >= Math.fround(abstain);
    if (sure && together && most < Math.fround(abstain)) {
      const rate = Math.abs(yearlyRate(matrix.subarray(i * width, (i + 1) * width), days)) / limit;
      sure = top === LINEAR ? rate >= 0.75 : rate <= 1.25;
    }
    if (sure) class_id[i] = top;
    else status[i] = ABSTAINED;
  }
  return { class_id, class_top, confidence };
}

/** Probabilities under another mix of classes than that of the training (Saerens et al. 2002, eq. 2.4). */
export function reweight(shares, priors, trained) {
  return normalized(Array.from(shares, (share, k) => (share * priors[k]) / trained[k]));
}

/** Rows by which the mix of a table is estimated: evenly spaced among its first ones. */
export function mixRows(rows) {
  return evenlySpaced(Math.min(rows, HEAD_ROWS), MIX_ROWS);
}

/** Numbers of at most so many of the rows, from the first to the last. */
function evenlySpaced(rows, most) {
  const last = Math.min(rows, most) - 1;
  return Array.from({ length: last + 1 }, (_, k) => (k === last ? rows - 1 : Math.floor(k * ((rows - 1) / last))));
}

/** The mix of classes that is assumed for a table, from the shares that the network gives to some of its rows.

    The most likely mix (Saerens et al. 2002, eq. 2.9) counts by a quarter, that of the training by the rest. With fewer
    than 100 rows that the network knows, it is that of the training. */
export function estimateMix(shares, model) {
  const classes = model.classes.length;
  const trained = normalized(model.training_priors);
  const known = [];
  for (let i = 0; i < shares.length; i += classes) {
    const row = shares.subarray(i, i + classes);
    // Rows that the network does not know, or was not asked about, say nothing.
    if (Math.max(...row) >= Math.fround(model.thresholds.unsure_below)) known.push(row);
  }
  if (known.length < LEAST_ROWS) return { priors: null, estimate: null, rows: known.length };
  let mix = trained;
  for (let step = 0, change = 1; step < 1000 && change >= 1e-6; step++) {
    const sums = new Float64Array(classes);
    for (const row of known) reweight(row, mix, trained).forEach((share, k) => (sums[k] += share));
    const next = Array.from(sums, (sum) => sum / known.length);
    change = Math.max(...next.map((share, k) => Math.abs(share - mix[k])));
    mix = next;
  }
  const estimate = normalized(mix.map((share) => Math.max(share, LEAST_SHARE)));
  const damped = estimate.map((share, k) => trained[k] ** (1 - ESTIMATE_WEIGHT) * share ** ESTIMATE_WEIGHT);
  return { priors: normalized(damped), estimate, rows: known.length };
}

function normalized(shares) {
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / sum);
}

/** Golden vectors of an int8 file: series, and the probabilities that exact integer arithmetic gives. */
export function readGolden(bytes, model) {
  const { rows, epochs, tolerance } = model.golden.int8;
  const classes = model.classes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [daysAt, sharesAt] = [2 * rows * epochs, 2 * rows * epochs + 4 * epochs];
  if (bytes.byteLength !== sharesAt + 4 * rows * classes) throw new Error("golden vectors of another length");
  const tenth = (k) => view.getInt16(2 * k, true);
  return {
    rows, tolerance,
    matrix: Float32Array.from({ length: rows * epochs }, (_, k) => (tenth(k) === -32768 ? NaN : tenth(k) / 10)),
    days: Float32Array.from({ length: epochs }, (_, k) => view.getFloat32(daysAt + 4 * k, true)),
    shares: Float32Array.from({ length: rows * classes }, (_, k) => view.getFloat32(sharesAt + 4 * k, true)),
  };
}

/** Largest difference of a probability between a session and the golden vectors; it must not exceed their tolerance. */
export async function goldenDifference(run, golden) {
  const answer = await run(golden.matrix, golden.rows, golden.days);
  if (answer.length !== golden.shares.length) return Infinity;
  return golden.shares.reduce((most, share, k) => {
    const apart = Math.abs(share - answer[k]);
    return apart <= most ? most : Number.isNaN(apart) ? Infinity : apart;
  }, 0);
}

/* What the report shows, from the classified batches: counts and arrays as gather.py, counts.py and facts.py make them. */

const NOT_PLACED = 0xffffffff;
const NOT_THERE = 0xffff;
const NONE = 6; // group of points without a class
const [DEGREE_STEPS, METRE_STEPS] = [1e6, 10];
const [LEAST_SHARE, BINS] = [1 / NONE, 32];
const [SPEED_STEP, SPEED_HALF, BARS] = [0.1, 10000, 80];
const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95];
const SERIES_BYTES = 300e6; // in memory; of more points a random part comes with its series

/** Classes and series of a file as they come, batch by batch. */
class Gathered {
  constructor() {
    this.batches = [];
    this.rows = 0;
    this.limit = 1; // part of the points that keep their series
    this.bytes = 0;
  }

  /** Keep a batch; its series as tenths of a millimetre, while there is room. */
  add(number, batch) {
    const keys = Float32Array.from({ length: batch.rows }, Math.random);
    const width = batch.matrix.length / batch.rows;
    const kept = { ...batch, keys, series: codedTenths(batch.matrix), width };
    delete kept.matrix;
    this.batches[number] = kept;
    this.rows += batch.rows;
    if (this.limit < 1) this.bytes += this.thin(kept);
    else this.bytes += kept.series.byteLength;
    if (this.bytes <= SERIES_BYTES) return;
    this.limit /= 2;
    this.bytes = this.batches.reduce((sum, one) => sum + this.thin(one), 0);
  }

  /** Drop the series of points beyond the limit; returns the bytes that are left. */
  thin(batch) {
    const old = batch.detailed ?? Uint8Array.from({ length: batch.rows }, () => 1);
    const detailed = Uint8Array.from(old, (one, i) => (one && batch.keys[i] < this.limit ? 1 : 0));
    const series = new Uint16Array(detailed.reduce((sum, one) => sum + one, 0) * batch.width);
    let [from, to] = [0, 0];
    for (let i = 0; i < batch.rows; i++) {
      const mine = batch.series.subarray(from * batch.width, (from + 1) * batch.width);
      if (detailed[i]) series.set(mine, to++ * batch.width);
      from += old[i];
    }
    Object.assign(batch, { detailed, series });
    return series.byteLength;
  }

  column(name) {
    const parts = this.batches.map((batch) => batch[name]);
    if (Array.isArray(parts[0])) return parts.flat();
    const whole = new parts[0].constructor(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

/** Tenths with zigzag coding: 0, -1, 1, -2 as 0, 1, 2, 3; what is no number, or too large, is missing. */
function codedTenths(values) {
  return Uint16Array.from(values, (value) => {
    if (!(Math.abs(value) <= 3276)) return NOT_THERE;
    const whole = Math.round(value * 10);
    return whole < 0 ? -2 * whole - 1 : 2 * whole;
  });
}

/** Facts and arrays of the report, in the order of drawing: points without a class, Stable, ..., Other. */
function reportOf(gathered, layout, base, seconds) {
  const classId = gathered.column("class_id");
  const group = Uint8Array.from(classId, (id) => (id < 0 ? NONE : id));
  const drawn = group.map((one) => (one + 1) % (NONE + 1));
  const order = Uint32Array.from(group.keys()).sort((a, b) => drawn[a] - drawn[b] || a - b);
  const taken = (array) => new array.constructor(array.length).map((_, k) => array[order[k]]);
  const [status, confidence, velocity] = ["status", "confidence", "velocity"].map((name) => gathered.column(name));
  const place = placesOf(gathered, layout);
  const shares = gathered.column("shares");
  const rows = group.length;
  const perMille = new Uint16Array(NONE * rows).fill(NOT_THERE);
  order.forEach((i, k) => {
    for (let c = 0; c < NONE; c++) {
      const share = shares[i * NONE + c];
      if (!Number.isNaN(share)) perMille[c * rows + k] = Math.round(share * 1000);
    }
  });
  const ids = gathered.column("ids");
  const encoder = new TextEncoder();
  const coded = Array.from(order, (i) => encoder.encode(ids[i]));
  const text = new Uint8Array(coded.reduce((sum, one) => sum + one.length, 0));
  coded.reduce((at, one) => (text.set(one, at), at + one.length), 0);
  const { detailed, series } = detailsOf(gathered, order, layout.days.length);
  const placed = Array.from(place.x, (x) => x !== NOT_PLACED);
  const facts = {
    ...base.facts,
    title: layout.title, file: layout.title, shownAs: layout.title,
    counts: countsOf(group, status, confidence, velocity, placed, base.facts.statuses),
    points: rows, position: place.facts, coast: null, measures: [], dates: layout.dates,
    velocityName: velocityNameOf(layout),
    series: { kept: true, rows: detailed.reduce((sum, one) => sum + one, 0), trouble: null },
    mix: layout.mix.priors ?? base.model.training_priors,
    diagnosis: null, attributes: [], idName: layout.names[layout.roles.id] ?? null,
    about: [
      ["Epochs", `${layout.dates.length}, ${layout.dates[0]} to ${layout.dates[layout.dates.length - 1]}`],
      ["Input", layout.name], ["Unit", `${layout.unit} (${layout.evidence})`],
      ...base.about.map(([label, text]) => [label, label === "Model" ? `${text}, ${layout.precision}` : text]),
      ["Class mix", mixText(layout.mix, base)],
      ["Classified", `in this browser, in ${seconds.toFixed(1)} s; nothing was sent anywhere`],
    ],
    doubts: [], notes: layout.notes, attribution: /(^|\/)EGMS/.test(layout.name) ? base.attribution : null,
  };
  const arrays = {
    x: taken(place.x), y: taken(place.y), group: taken(group), status: taken(status),
    velocity: codedTenths(taken(Float32Array.from(velocity))), shares: perMille,
    epochs: taken(gathered.column("epochs")), gap: taken(gathered.column("gap")),
    idLengths: Uint32Array.from(coded, (one) => one.length), ids: text, detailed, series,
  };
  return { facts, arrays };
}

/** The mix of classes that was assumed, and where it comes from. */
function mixText({ priors, rows }, { model }) {
  const listed = (shares) => model.classes.map((name, k) => `${name} ${(100 * shares[k]).toPrecision(3)} %`).join(", ");
  const few = `${rows} ${rows === 1 ? "point is" : "points are"} too few to estimate from`;
  if (!priors) return `${listed(model.training_priors)} (as trained: ${few})`;
  return `${listed(priors)} (a quarter of the way from the training to ${rows} of the first points)`;
}

function velocityNameOf({ names, roles }) {
  return roles.velocity < 0 ? "least-squares slope of the series" : `column ${names[roles.velocity]}`;
}

/** Places in whole steps from the lower left corner: degrees if most rows have them, else metres. */
function placesOf(gathered, { roles }) {
  const candidates = [
    { kind: "degrees", steps: DEGREE_STEPS, names: ["longitude", "latitude"], most: [180, 90] },
    { kind: "metres", steps: METRE_STEPS, names: ["easting", "northing"], most: [2e8, 2e8] },
  ];
  const nowhere = () => new Uint32Array(gathered.rows).fill(NOT_PLACED);
  for (const { kind, steps, names, most } of candidates) {
    if (names.some((name) => roles[name] < 0)) continue;
    const [xs, ys] = names.map((name) => gathered.column(name).map((value) => Math.round(value * steps)));
    const placed = xs.map((x, i) => Math.abs(x) <= most[0] * steps && Math.abs(ys[i]) <= most[1] * steps);
    if (placed.filter(Boolean).length <= placed.length / 2) continue;
    const corner = (values) => values.reduce((least, value, i) => (placed[i] ? Math.min(least, value) : least), Infinity);
    const [x0, y0] = [corner(xs), corner(ys)];
    const [x, y] = [nowhere(), nowhere()];
    placed.forEach((there, i) => there && ([x[i], y[i]] = [xs[i] - x0, ys[i] - y0]));
    return { x, y, facts: { kind, system: names.join(", "), steps, x0, y0 } };
  }
  return { x: nowhere(), y: nowhere(), facts: null };
}

function detailsOf(gathered, order, width) {
  const there = gathered.limit < 1 ? gathered.column("detailed") : new Uint8Array(gathered.rows).fill(1);
  const place = new Uint32Array(there.length);
  there.reduce((sum, one, i) => ((place[i] = sum), sum + one), 0);
  const all = gathered.column("series");
  const series = new Uint16Array(all.length);
  let k = 0;
  for (const i of order) if (there[i]) series.set(all.subarray(place[i] * width, (place[i] + 1) * width), k++ * width);
  return { detailed: Uint8Array.from(order, (i) => there[i]), series };
}

function countsOf(group, status, confidence, velocity, placed, statuses) {
  const groups = new Array(NONE + 1).fill(0);
  const ofStatus = new Array(statuses.length).fill(0);
  const bins = groups.map(() => new Array(BINS).fill(0));
  const speeds = groups.map(() => new Uint32Array(2 * SPEED_HALF + 1));
  group.forEach((one, i) => {
    groups[one]++;
    ofStatus[status[i]]++;
    const bin = Math.trunc(((confidence[i] - LEAST_SHARE) / (1 - LEAST_SHARE)) * BINS);
    if (!Number.isNaN(bin)) bins[one][Math.min(BINS - 1, Math.max(0, bin))]++;
    const speed = Math.round(velocity[i] / SPEED_STEP) + SPEED_HALF;
    if (Number.isFinite(velocity[i])) speeds[one][Math.min(2 * SPEED_HALF, Math.max(0, speed))]++;
  });
  return {
    rows: group.length, unplaced: placed.filter((there) => !there).length, groups,
    statuses: Object.fromEntries(statuses.map((name, k) => [name, ofStatus[k]]).filter(([, rows]) => rows)),
    confidence: { from: LEAST_SHARE, to: 1, counts: bins }, velocity: velocitiesOf(speeds),
  };
}

function velocitiesOf(speeds) {
  const together = speeds[0].map((_, k) => speeds.reduce((sum, one) => sum + one[k], 0));
  if (!together.some(Boolean)) return null;
  const [low, high] = quantileBins(together, [0.005, 0.995]);
  const width = Math.max(1, Math.ceil((high - low + 1) / BARS));
  const bars = Math.max(1, Math.ceil((high - low + 1) / width));
  const bar = (one, k) => one.subarray(low + k * width, low + (k + 1) * width).reduce((sum, rows) => sum + rows, 0);
  const speed = (bin) => Number(((bin - SPEED_HALF) * SPEED_STEP).toFixed(1));
  return {
    from: (low - SPEED_HALF - 0.5) * SPEED_STEP, to: (low + bars * width - SPEED_HALF - 0.5) * SPEED_STEP,
    counts: speeds.map((one) => Array.from({ length: bars }, (_, k) => bar(one, k))),
    quantiles: speeds.map((one) => (one.some(Boolean) ? quantileBins(one, QUANTILES).map(speed) : null)),
  };
}

function quantileBins(counts, quantiles) {
  const total = counts.reduce((sum, rows) => sum + rows, 0);
  return quantiles.map((part) => {
    let left = Math.max(part * total, 1);
    return counts.findIndex((rows) => (left -= rows) <= 0);
  });
}

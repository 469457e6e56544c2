/* Numbers by which the points are coloured: where they come from, the range of their colours, and their codes. */

const SAMPLE = 50000; // points, at least, from which the range is taken
const FEW = 200;
const ROBUST = [0.02, 0.98];
const BANDS = 4; // of the order of drawing: what differs most lies above

let measures = []; // what this page can colour by

/** What the page can colour by: key, label, kind (class, signed, positive, date), unit, origin, of(i), ends. */
function findMeasures(points) {
  const { velocity, confidence } = facts.counts;
  const days = facts.diagnosis?.changed;
  const ofTable = facts.measures.map(({ key, label, unit, signed, source, column, scale, categories }, m) => ({
    key, label, unit, source, categories, kind: categories?.length ? "category" : signed ? "signed" : "positive", origin: `column ${column}`,
    of: (i) => ofTenths(points.measures[m * points.count + i]) / scale,
  }));
  const known = [
    { key: "class", label: "Class", kind: "class", source: "classes" },
    {
      key: "confidence", label: "Confidence", kind: "positive", source: "classes", origin: "column confidence", ramp: "confidence",
      of: (i) => points.confidenceOf(i), ends: [Number(confidence.from.toFixed(2)), 1],
    },
    velocity && {
      key: "velocity", label: "Velocity", kind: "signed", unit: "mm/yr", source: "file", origin: facts.velocityName,
      of: (i) => points.velocityOf(i),
    },
    ...ofTable,
    days && {
      key: "change", label: "Date of the break", kind: "date", source: "diagnosis", origin: "column break_date",
      of: (i) => points.changeOf(i), ends: days[0] < days[1] ? days : [days[0] - 1, days[1] + 1],
    },
  ].filter(Boolean);
  return known.filter((one) => {
    if (one.kind === "category") return (one.ends = endsOfCategories(one, points.count));
    return one.kind === "class" || (one.ends ??= robustEnds(one, points.count));
  });
}

/** First and last code of the categories; null if no point has one. */
function endsOfCategories({ of, categories }, count) {
  for (let i = 0; i < count; i++) if (Number.isFinite(of(i))) return [0, categories.length - 1];
  return null;
}

/** Value of a point in a measure of the table; NaN if the page has no such measure. */
function valueOf(key, i) {
  return measureOf(key)?.of(i) ?? NaN;
}

function measureOf(mode) {
  return measures.find(({ key }) => key === mode);
}

/** Ends of the colours: 2 to 98 of 100 points, symmetric about zero if the number has a sign, rounded; null without any. */
function robustEnds({ kind, of }, count) {
  const every = (step) => {
    const values = [];
    for (let i = 0; i < count; i += step) if (Number.isFinite(of(i))) values.push(of(i));
    return values;
  };
  const step = Math.max(1, Math.floor(count / SAMPLE));
  let values = every(step);
  if (values.length < FEW && step > 1) values = every(1);
  if (!values.length) return null;
  values.sort((a, b) => a - b);
  const [low, high] = ROBUST.map((part) => values[Math.round(part * (values.length - 1))]);
  const most = kind === "signed" ? Math.max(Math.abs(low), Math.abs(high)) : high;
  const unit = roundStep(most > 0 ? most : 1, 8);
  const end = Number(Math.max(unit, Math.ceil(most / unit - 1e-9) * unit).toPrecision(6));
  if (kind === "signed") return [-end, end];
  const begin = Number((Math.floor(low / unit) * unit).toPrecision(6));
  // Where all points have one number, the palette begins at 0.
  return [low < 0.3 * end || begin === end ? 0 : begin, end];
}

/** Ends of the colours as the user has set them, else as the points have them. */
function endsOf(mode) {
  return state.ranges[mode] ?? measureOf(mode).ends;
}

/** Place in the palette from 0 to 1; of numbers with a sign, the middle stands for zero, and both sides have one scale. */
function placeOf({ kind }, value, [low, high]) {
  const inside = Math.min(high, Math.max(low, value));
  if (kind !== "signed") return (inside - low) / (high - low);
  if (low >= 0) return 0.5 + (0.5 * (inside - low)) / (high - low);
  if (high <= 0) return (0.5 * (inside - low)) / (high - low);
  return 0.5 + inside / (2 * Math.max(-low, high));
}

/** A number from 1 to 255 a point for its place in the palette, 0 for a missing one; of classes their groups. */
function pointValues(points, mode) {
  const measure = measureOf(mode);
  if (measure.kind === "class") return points.group;
  const ends = endsOf(mode);
  const values = new Uint8Array(points.count);
  for (let i = 0; i < points.count; i++) {
    const value = measure.of(i);
    if (Number.isFinite(value)) values[i] = 1 + Math.round(254 * placeOf(measure, value, ends));
  }
  return values;
}

/** Band of the order of drawing of each code: points without a number lowest, what differs most highest; null for classes. */
function bandsOf(mode) {
  const { kind, ramp } = measureOf(mode);
  if (kind === "class") return null;
  const height = (place) => {
    if (kind === "category") return 1;
    if (kind === "signed") return Math.abs(2 * place - 1);
    return ramp === "confidence" ? 1 - place : place;
  };
  return Uint8Array.from({ length: 256 }, (_, code) =>
    (code ? 1 + Math.min(BANDS - 1, Math.floor(BANDS * height((code - 1) / 254))) : 0));
}

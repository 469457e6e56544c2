/* The unit of the series, by the slopes of the series over the file's own velocities; as _input/units, for mm, cm and m. */

const FACTORS = { mm: 1, cm: 10, m: 1000 };
const [LEAST_MOVING, LEAST_EPOCHS, LEAST_VELOCITY, TOLERANCE] = [10, 10, 1, 1.25];

/** Unit and how it is known, from the first rows; velocities in mm/yr, NaN = missing. */
function unitOf(chosen, matrix, days, velocities, velocityName) {
  if (chosen in FACTORS) return { unit: chosen, factor: FACTORS[chosen], evidence: "chosen on this page" };
  const seriesOf = (i) => matrix.subarray(i * days.length, (i + 1) * days.length);
  const rows = velocities.map((velocity, i) => ({ velocity, values: seriesOf(i) }));
  const ratios = rows.filter(({ velocity }) => Math.abs(velocity) >= LEAST_VELOCITY)
    .map(({ velocity, values }) => slopeOf(values, days) / velocity).filter(Number.isFinite).sort((a, b) => a - b);
  const ratio = medianOf(ratios);
  const agreeing = ratios.filter((one) => Math.abs(one - ratio) < 0.5 * Math.abs(ratio)).length;
  if (ratios.length >= LEAST_MOVING && agreeing >= 0.7 * ratios.length) {
    const unit = Object.keys(FACTORS).find((name) => {
      const times = Math.abs(ratio) * FACTORS[name];
      return times > 1 / TOLERANCE && times < TOLERANCE;
    });
    if (unit) return { unit, factor: FACTORS[unit], evidence: `proven by column ${velocityName}` };
    throw new Refusal(
      `The series change by ${ratio.toPrecision(3)} a year for 1 mm/yr of column ${velocityName}, which fits no unit. ` +
      "Choose the unit of the series, and drop the file again.",
    );
  }
  const range = medianOf(rows.map(({ values }) => rangeOf(values)).filter((one) => one > 0).sort((a, b) => a - b));
  if (range < 1.5) {
    throw new Refusal(
      `Nothing proves the unit of the series. In millimetres most would vary by ${range.toPrecision(2)} mm only, less than ` +
      "radar noise. Choose the unit (cm or m, it seems), and drop the file again.",
    );
  }
  return { unit: "mm", factor: 1, evidence: "assumed, no velocity proves it" };
}

function medianOf(sorted) {
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function rangeOf(values) {
  const known = values.filter(Number.isFinite);
  return known.length ? Math.max(...known) - Math.min(...known) : 0;
}

/** Least-squares slope in a year of 365.25 days; NaN with fewer than ten epochs. */
function slopeOf(values, days) {
  let [n, sumX, sumY] = [0, 0, 0];
  for (let k = 0; k < values.length; k++) {
    if (!Number.isFinite(values[k])) continue;
    n++;
    sumX += days[k];
    sumY += values[k];
  }
  let [products, squares] = [0, 0];
  for (let k = 0; k < values.length; k++) {
    if (!Number.isFinite(values[k])) continue;
    products += (days[k] - sumX / n) * values[k];
    squares += (days[k] - sumX / n) ** 2;
  }
  return n >= LEAST_EPOCHS && squares > 0 ? (products / squares) * DAYS_PER_YEAR : NaN;
}

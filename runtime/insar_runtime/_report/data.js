/* Data of the page: facts as JSON, and arrays by their names (see unpack.js). */

const facts = JSON.parse(byId("facts").textContent);
const NO_CLASS = facts.groups.length - 1;
const MISSING = 0xffff;
const NOWHERE = 0xffffffff;
const STORY = 5; // numbers a point
const MOST_SORTED = 10000; // hits of a search

/** Tenths, zigzag: 0, 1, 2, 3 stand for 0, -0.1, 0.1, -0.2. */
function ofTenths(coded) {
  return coded === MISSING ? NaN : ((coded >>> 1) ^ -(coded & 1)) / 10;
}

/** All points of the page, in the order in which they are drawn: one group after the other. */
class Points {
  static async load() {
    const points = new Points();
    points.count = facts.points;
    for (const name of ["x", "y", "group", "status", "velocity", "measures", "shares", "epochs", "gap", "ids", "detailed"]) {
      points[name] = await unpack(name);
    }
    points.series = await unpack("series");
    points.values = await unpack("values");
    for (const name of ["rates", "story", "trend", "breaks", "jumps", "changed"]) points[name] = await unpack(name);
    for (const name of ["coast", "coastLengths", "areaPlaces", "areaRings", "areaParts", "areaSeries"]) points[name] = await unpack(name);
    points.idStarts = runningSum(await unpack("idLengths"));
    points.detailStarts = runningSum(points.detailed);
    const column = (k) => points.story.filter((_, at) => at % STORY === k);
    points.breakStarts = runningSum(column(1));
    points.jumpStarts = runningSum(column(2).map((coded) => Math.max(coded - 1, 0)));
    points.ranges = groupRanges(points.group);
    return points;
  }

  hasPlace(i) {
    return this.x[i] !== NOWHERE;
  }

  id(i) {
    return new TextDecoder().decode(this.ids.subarray(this.idStarts[i], this.idStarts[i + 1]));
  }

  /** Number of the point with this id, -1 if there is none. */
  find(id) {
    const wanted = new TextEncoder().encode(id);
    for (let i = 0; i < this.count; i++) {
      const start = this.idStarts[i];
      if (this.idStarts[i + 1] - start !== wanted.length) continue;
      let k = 0;
      while (k < wanted.length && this.ids[start + k] === wanted[k]) k++;
      if (k === wanted.length) return i;
    }
    return -1;
  }

  /** Numbers of the points whose id contains a text, whatever the case of Latin letters: one with just this id first, the
      others by their ids unless there are very many. */
  findAll(text) {
    const lower = (byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte);
    const wanted = new TextEncoder().encode(text).map(lower);
    const found = [];
    for (let i = 0; i < this.count; i++) {
      const last = this.idStarts[i + 1] - wanted.length;
      for (let start = this.idStarts[i]; start <= last; start++) {
        let k = 0;
        while (k < wanted.length && lower(this.ids[start + k]) === wanted[k]) k++;
        if (k < wanted.length) continue;
        found.push(i);
        break;
      }
    }
    if (found.length <= MOST_SORTED) {
      const order = new Intl.Collator("en", { numeric: true });
      const names = new Map(found.map((i) => [i, this.id(i)]));
      found.sort((a, b) => order.compare(names.get(a), names.get(b)));
    }
    const exact = this.find(text);
    return exact < 0 ? found : [exact, ...found.filter((i) => i !== exact)];
  }

  velocityOf(i) {
    return ofTenths(this.velocity[i]);
  }

  /** Calibrated probabilities of the classes, NaN for one that the model does not know; null if the status forbids them. */
  sharesOf(i) {
    const shares = Array.from({ length: NO_CLASS }, (_, k) => this.shares[k * this.count + i]);
    return shares[0] === MISSING ? null : shares.map((share) => (share === MISSING ? NaN : share / 1000));
  }

  confidenceOf(i) {
    if (this.shares[i] === MISSING) return NaN;
    let most = 0;
    for (let k = i; k < this.shares.length; k += this.count) if (this.shares[k] !== MISSING) most = Math.max(most, this.shares[k]);
    return most / 1000;
  }

  /** Displacements in mm, NaN = missing; null if they are not in the page. */
  seriesOf(i) {
    const length = facts.dates.length;
    if (!this.detailed[i] || !facts.series.kept) return null;
    const start = this.detailStarts[i] * length;
    return Array.from(this.series.subarray(start, start + length), ofTenths);
  }

  /** Diagnosis of a point; null if there is none, or it is not in the page. */
  storyOf(i) {
    if (!facts.diagnosis || !this.detailed[i]) return null;
    const { origin, cycle, statuses } = facts.diagnosis;
    const first = Date.parse(origin) / 86400000;
    const k = this.detailStarts[i];
    const rows = (array, width, start, end) => Array.from({ length: end - start }, (_, at) =>
      Array.from(array.subarray((start + at) * width, (start + at + 1) * width)));
    const [velocity, velocityStd, acceleration, accelerationStd, season, seasonStd, rmse] = rows(this.rates, 7, k, k + 1)[0];
    const [shape, , coded, after, status] = rows(this.story, STORY, k, k + 1)[0];
    const changes = rows(this.breaks, 7, this.breakStarts[k], this.breakStarts[k + 1]).map((b) => ({
      day: first + b[0], earliest: first + b[1], latest: first + b[2], before: [b[3], b[4]], after: [b[5], b[6]],
    }));
    const jumps = rows(this.jumps, 8, this.jumpStarts[k], this.jumpStarts[k + 1]).map((j) => ({
      day: first + j[0], mm: [j[1], j[2]], cycles: j[3], probability: j[4], distance: j[5], repaired: j[6] === 1,
      step: j[6] === 1 && cycle !== null && Number.isFinite(j[3]) ? j[3] * cycle : j[1], drawn: j[7],
    }));
    return {
      shape, jumps, rmse, velocity: [velocity, velocityStd], acceleration: [acceleration, accelerationStd],
      season: [season, seasonStd], trend: Array.from(this.trend.subarray(3 * k, 3 * k + 3), ofTenths),
      change: changes[0] ?? null, looked: coded > 0, after: after ? after - 1 : null, status: statuses[status],
    };
  }

  /** Day of the break, from the origin; NaN if there is none. */
  changeOf(i) {
    return !this.changed.length || this.changed[i] === MISSING ? NaN : this.changed[i];
  }

  /** Name and value of the further columns of a point; none if they are not in the page. */
  attributesOf(i) {
    if (!this.detailed[i]) return [];
    const start = this.detailStarts[i] * facts.attributes.length;
    return facts.attributes.map((name, k) => [name, this.values[start + k]]);
  }

  /** Longitude and latitude, or easting and northing. */
  placeOf(i) {
    const { x0, y0, steps } = facts.position;
    return [(x0 + this.x[i]) / steps, (y0 + this.y[i]) / steps];
  }
}

function runningSum(lengths) {
  const sums = new Uint32Array(lengths.length + 1);
  for (let i = 0; i < lengths.length; i++) sums[i + 1] = sums[i] + lengths[i];
  return sums;
}

/** First and last place of each group, in the order of drawing. */
function groupRanges(group) {
  const ranges = [];
  for (let start = 0; start < group.length; ) {
    let end = start;
    while (end < group.length && group[end] === group[start]) end++;
    ranges.push({ group: group[start], start, end });
    start = end;
  }
  return ranges;
}

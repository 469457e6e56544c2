/* What the page is about: facts as JSON, arrays as base64 of deflated bytes (see pack.py). */

const facts = JSON.parse(byId("facts").textContent);
const NO_CLASS = facts.groups.length - 1;
const MISSING = 0xffff;
const NOWHERE = 0xffffffff;
const TYPES = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };

/** Decode an array of the page and forget its text. */
async function unpack(name) {
  const element = byId(`array-${name}`);
  if (!element) return new Uint8Array(0);
  const coded = atob(element.textContent);
  element.remove();
  const bytes = new Uint8Array(coded.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = coded.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  // The lowest bytes of all values come first, then the next ones.
  const type = TYPES[facts.types[name]];
  const size = type.BYTES_PER_ELEMENT;
  if (size === 1) return planes;
  const length = planes.length / size;
  const joined = new Uint8Array(planes.length);
  for (let plane = 0; plane < size; plane++) {
    for (let i = 0, at = plane, from = plane * length; i < length; i++, at += size) joined[at] = planes[from + i];
  }
  return new type(joined.buffer);
}

/** Tenths, zigzag: 0, 1, 2, 3 stand for 0, -0.1, 0.1, -0.2. */
function ofTenths(coded) {
  return coded === MISSING ? NaN : ((coded >>> 1) ^ -(coded & 1)) / 10;
}

/** All points of the page, in the order in which they are drawn: the groups lie one after the other. */
class Points {
  static async load() {
    const points = new Points();
    points.count = facts.points;
    for (const name of ["x", "y", "group", "status", "velocity", "shares", "epochs", "gap", "ids", "detailed"]) {
      points[name] = await unpack(name);
    }
    points.series = await unpack("series");
    points.values = await unpack("values");
    points.idStarts = runningSum(await unpack("idLengths"));
    points.detailStarts = runningSum(points.detailed);
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

  velocityOf(i) {
    return ofTenths(this.velocity[i]);
  }

  /** Calibrated probabilities of the five classes; null if the status forbids them. */
  sharesOf(i) {
    const shares = Array.from({ length: NO_CLASS }, (_, k) => this.shares[k * this.count + i]);
    return shares[0] === MISSING ? null : shares.map((share) => share / 1000);
  }

  confidenceOf(i) {
    const shares = this.sharesOf(i);
    return shares ? Math.max(...shares) : NaN;
  }

  /** Displacements in mm, NaN = missing; null if the page does not hold them. */
  seriesOf(i) {
    const length = facts.dates.length;
    if (!this.detailed[i] || !facts.series.kept) return null;
    const start = this.detailStarts[i] * length;
    return Array.from(this.series.subarray(start, start + length), ofTenths);
  }

  /** Name and value of the further columns of a point; none if the page does not hold them. */
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

/** Where each group begins and ends, in the order of drawing. */
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

/* CSV with a row a point: what its columns mean, and its rows as numbers. A part of what insar-rt reads: wide tables with
   a column a date, year first (YYYYMMDD, DYYYYMMDD, D_YYYYMMDD, YYYY-MM-DD), separated by , ; | or tabs. */

const COMPACT = "([0-9]{2})([0-9]{2})(?:T[0-9]{6}Z?)?";
const APART = "([-/._])([0-9]{1,2})\\5([0-9]{1,2})(?:[ T][0-9:.]+(?:Z|[+-][0-9:]+)?)?";
const DATE_NAME = new RegExp(`^(D_|d_|D|d|X|)([0-9]{4})(?:${COMPACT}|${APART})$`);
const [FIRST_YEAR, LAST_YEAR] = [1991, 2100];
const ROLES = {
  id: ["pid", "code", "point_id", "point id", "ps_id", "pnt_id", "code_target", "id"],
  longitude: ["longitude", "lon", "long", "lng", "x_lon", "pnt_lon"],
  latitude: ["latitude", "lat", "y_lat", "pnt_lat"],
  easting: ["easting"],
  northing: ["northing"],
  velocity: ["mean_velocity", "vel", "vlos", "velocity"],
};
const SEPARATORS = [",", ";", "\t", "|"];
const MISSING_TEXTS = new Set([
  "", "NaN", "nan", "-nan", "NULL", "null", "Null", "NA", "N/A", "n/a", "#N/A", "<NA>", "None", "\\N",
]);
const [QUOTE, NEWLINE, RETURN, POINT, MINUS, ZERO, NINE] = Array.from('"\n\r.-09', (sign) => sign.charCodeAt(0));
const MOST_LINE = 8 * MIB;
const DECODER = new TextDecoder();
const POWERS = Array.from({ length: 23 }, (_, k) => 10 ** k);

/** Day since 1970 and spelling of a date column; null if the name is none. */
function dateOfName(name) {
  const match = DATE_NAME.exec(name);
  if (!match) return null;
  const [year, month, day] = [match[2], match[3] ?? match[6], match[4] ?? match[7]].map(Number);
  const time = Date.UTC(year, month - 1, day);
  const real = new Date(time).getUTCMonth() === month - 1 && year >= FIRST_YEAR && year <= LAST_YEAR;
  return { name, day: time / 86400000, real, family: `${match[1]}YYYY${match[5] ?? ""}MM${match[5] ?? ""}DD` };
}

/** What the columns of a table mean, by its first line; the name of the file is for messages. */
function layoutOf(line, file) {
  const text = line.replace(/^\uFEFF/, "").replace(/^#\s*/, "");
  const readings = SEPARATORS.map((sign) => ({ separator: sign, names: splitLine(text, sign).map((name) => name.trim()) }));
  const { separator, names } = readings.reduce((best, one) => (one.names.length > best.names.length ? one : best));
  const dates = names.flatMap((name, column) => {
    const date = dateOfName(name);
    return date ? [{ ...date, column }] : [];
  });
  if (!dates.length) throw withoutDates(names, file);
  const families = [...new Set(dates.map(({ family }) => family))];
  if (families.length > 1) {
    const ways = families.slice(0, 2).join(" and ");
    throw new Refusal(`The date columns of ${file} are spelled in ${families.length} ways (${ways}). Keep one series a point.`);
  }
  const unreal = dates.find(({ real }) => !real);
  if (unreal) throw new Refusal(`Column ${unreal.name} of ${file} is no date of the calendar. Correct it; the year comes first.`);
  dates.sort((a, b) => a.day - b.day);
  const twice = dates.find(({ day }, k) => k && day === dates[k - 1].day);
  if (twice) throw new Refusal(`The date ${isoDate(twice.day)} occurs in two columns of ${file}. Keep one of them.`);
  const lower = names.map((name) => name.toLowerCase());
  const roles = Object.fromEntries(Object.entries(ROLES).map(([role, aliases]) =>
    [role, aliases.map((alias) => lower.indexOf(alias)).find((column) => column >= 0) ?? -1]));
  return { separator, names, dates, roles, days: Float32Array.from(dates, ({ day }) => day - dates[0].day) };
}

function withoutDates(names, file) {
  const shown = names.slice(0, 4).map((name) => name.slice(0, 30)).join(", ") + (names.length > 4 ? ", …" : "");
  return new Refusal(
    `${file} has no columns with dates as names, such as 20200103: its first line is “${shown}”. This page reads tables with a ` +
    "row for each point and a column for each date; the program insar-rt reads more layouts.",
  );
}

function isoDate(day) {
  return new Date(day * 86400000).toISOString().slice(0, 10);
}

function splitLine(text, separator) {
  const cells = [];
  let [cell, quoted] = ["", false];
  for (let k = 0; k < text.length; k++) {
    const sign = text[k];
    if (quoted && sign === '"' && text[k + 1] === '"') [cell, k] = [`${cell}"`, k + 1];
    else if (sign === '"') quoted = !quoted;
    else if (sign === separator && !quoted) {
      cells.push(cell);
      cell = "";
    } else cell += sign;
  }
  cells.push(cell);
  return cells;
}

/** Lines of a stream of bytes, without their ends; a line end between quotes belongs to its cell. */
async function* linesOf(pieces) {
  let rest = new Uint8Array(0);
  for await (const piece of pieces) {
    let bytes = piece;
    if (rest.length) {
      bytes = new Uint8Array(rest.length + piece.length);
      bytes.set(rest);
      bytes.set(piece, rest.length);
    }
    let [start, quotes] = [0, 0];
    for (let k = 0; k < bytes.length; k++) {
      if (bytes[k] === QUOTE) quotes++;
      else if (bytes[k] === NEWLINE && quotes % 2 === 0) {
        yield bytes.subarray(start, k && bytes[k - 1] === RETURN ? k - 1 : k);
        [start, quotes] = [k + 1, 0];
      }
    }
    rest = bytes.slice(start);
    if (rest.length > MOST_LINE) throw new Refusal("A line has more than 8 MB: this is no table with a row for each point.");
  }
  if (rest.length) yield rest;
}

/** Reads rows of one table into numbers. */
class RowReader {
  constructor(layout) {
    this.layout = layout;
    this.separator = layout.separator.charCodeAt(0);
    this.kind = new Int32Array(layout.names.length).fill(-1); // epoch of a column; -1: not read, below: a role
    layout.dates.forEach(({ column }, epoch) => (this.kind[column] = epoch));
    this.roles = Object.keys(ROLES).filter((role) => layout.roles[role] >= 0);
    this.roles.forEach((role, k) => (this.kind[layout.roles[role]] = -2 - k));
    this.row = 0;
  }

  /** Put a line's series into values; returns its id and numbers by role, or null for an empty line. */
  read(line, values) {
    if (!line.length) return null;
    this.row++;
    values.fill(NaN);
    const found = { id: "", longitude: NaN, latitude: NaN, easting: NaN, northing: NaN, velocity: NaN };
    let [column, start, quoted] = [0, 0, false];
    for (let k = 0; k <= line.length; k++) {
      if (k < line.length && line[k] === QUOTE) quoted = !quoted;
      if (k < line.length && (line[k] !== this.separator || quoted)) continue;
      const kind = column < this.kind.length ? this.kind[column] : -1;
      if (kind >= 0) values[kind] = this.number(line, start, k, column);
      else if (kind < -1) {
        const role = this.roles[-2 - kind];
        const text = cellText(line, start, k);
        found[role] = role === "id" ? text : MISSING_TEXTS.has(text.trim()) ? NaN : this.numberOfText(text);
      }
      column++;
      start = k + 1;
    }
    const named = this.kind.length;
    // A separator at the end of a row is none too many.
    if (column !== named && !(column === named + 1 && line[line.length - 1] === this.separator)) {
      throw new Refusal(`Row ${this.row} has ${column} cells, the header ${named}. The file may be damaged or cut off.`);
    }
    if (this.layout.roles.id < 0) found.id = String(this.row - 1);
    return found;
  }

  /** A number of plain digits without making text of it, exactly as by Number(); others by their text. */
  number(line, start, end, column) {
    if (start === end) return NaN;
    let [k, digits, decimals, whole] = [start, 0, -1, 0];
    const negative = line[k] === MINUS;
    if (negative) k++;
    for (; k < end; k++) {
      const sign = line[k];
      if (sign >= ZERO && sign <= NINE) {
        whole = whole * 10 + (sign - ZERO);
        digits++;
        if (decimals >= 0) decimals++;
      } else if (sign === POINT && decimals < 0) decimals = 0;
      else return this.otherNumber(line, start, end, column);
    }
    // Up to 15 digits and a power of ten are exact, so their quotient is rounded once.
    if (!digits || digits > 15) return this.otherNumber(line, start, end, column);
    const value = decimals > 0 ? whole / POWERS[decimals] : whole;
    return negative ? -value : value;
  }

  /** A number as text, with a decimal comma where another sign separates the columns. */
  numberOfText(text) {
    return Number(this.layout.separator === "," ? text : text.replace(",", "."));
  }

  otherNumber(line, start, end, column) {
    const text = cellText(line, start, end).trim();
    if (MISSING_TEXTS.has(text)) return NaN;
    if (/^[-+]?inf(inity)?$/i.test(text)) return text[0] === "-" ? -Infinity : Infinity;
    const value = this.numberOfText(text);
    if (!Number.isNaN(value)) return value;
    const name = this.layout.names[column];
    throw new Refusal(`Row ${this.row}, column ${name}: “${text.slice(0, 40)}” is no number.`);
  }
}

function cellText(line, start, end) {
  const text = DECODER.decode(line.subarray(start, end));
  return text.includes('"') ? splitLine(text, "\0")[0] : text;
}

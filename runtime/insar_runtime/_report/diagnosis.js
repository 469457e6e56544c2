/* Diagnosis of a point: layers of its series, their legend, and numbers. */

const DAY_MS = 86400000;
const [SHAPE_NONE, SHAPE_PARABOLA, SHAPE_BROKEN] = [0, 2, 3];

const dayOf = (date) => Date.parse(date) / DAY_MS;
const dateOf = (day) => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** The series without its repaired jumps; the same if none is repaired. */
function correctedOf(days, values, story) {
  const repaired = story ? story.jumps.filter((jump) => jump.repaired) : [];
  if (!repaired.length) return values;
  const added = (day) => repaired.reduce((sum, jump) => sum + (day >= jump.day ? jump.step : 0), 0);
  return values.map((value, k) => value - added(days[k]));
}

/** The date of the break, and the band of its 90 % interval. */
function drawBreak({ root, x, top, bottom }, { story }) {
  if (!story?.change) return;
  const { day, earliest, latest } = story.change;
  const fill = themed("--break");
  const width = Math.max(1, x(latest) - x(earliest));
  const band = svg("rect", { class: "break-band", x: x(earliest), width, y: top, height: bottom - top, fill });
  band.append(svg("title", {}, breakText(story.change)));
  root.append(band, svg("line", { class: "break", x1: x(day), x2: x(day), y1: top, y2: bottom, stroke: fill }));
}

/** A line at every jump; dashed if it is not repaired. */
function drawJumps({ root, x, top, bottom }, { story }) {
  for (const jump of story?.jumps ?? []) {
    const line = { class: jump.repaired ? "jump" : "jump left", stroke: themed("--jump") };
    const mark = svg("line", { ...line, x1: x(jump.day), x2: x(jump.day), y1: top, y2: bottom });
    mark.append(svg("title", {}, jumpText(jump)));
    root.append(mark);
  }
}

/** Repaired epochs at their values in the file. */
function drawMoved({ root, x, y }, { days, values, shown }) {
  days.forEach((day, k) => {
    if (!Number.isFinite(values[k]) || values[k] === shown[k]) return;
    root.append(svg("circle", { class: "moved", "data-epoch": k, cx: x(day), cy: y(values[k]), r: 1.7 }));
  });
}

/** A line, two of them with a break, or a parabola through three points. It jumps where a jump is not repaired, by what
    lies on the points, but for the two lines, whose rates are those of the series with such jumps. */
function drawTrend({ root, x, y }, { story, days, values, several, colour }) {
  if (!story || story.shape === SHAPE_NONE) return;
  const known = days.filter((_, k) => Number.isFinite(values[k]));
  const [first, last] = [known[0], known[known.length - 1]];
  const [begin, middle, end] = story.trend;
  const centre = story.shape === SHAPE_BROKEN ? story.change.day : (first + last) / 2;
  const left = story.jumps.filter((jump) => Number.isFinite(jump.drawn));
  const trend = (day) => {
    const bend = story.shape === SHAPE_PARABOLA ? (begin + end) / 2 - middle : 0;
    const u = (day - centre) / ((day < centre ? centre - first : last - centre) || 1);
    const chord = story.shape === SHAPE_PARABOLA ? ((end - begin) / 2) * u : (day < centre ? middle - begin : end - middle) * u;
    return middle + chord + bend * u * u + left.reduce((sum, jump) => sum + (day >= jump.day ? jump.drawn : 0), 0);
  };
  const parts = story.shape === SHAPE_PARABOLA ? 60 : 1;
  const corners = Array.from({ length: parts + 1 }, (_, k) => first + (k / parts) * (last - first));
  corners.push(centre, ...left.flatMap(({ day }) => [day - 1, day]));
  const inside = corners.filter((day) => day >= first && day <= last).sort((a, b) => a - b);
  const path = inside.map((day) => `${x(day).toFixed(1)} ${y(trend(day)).toFixed(1)}`);
  root.append(svg("path", { class: "trend", d: `M${path.join("L")}`, style: several ? { stroke: colour } : {} }));
}

/** Kinds and texts of the lines that the plot of a series has; none without a diagnosis. */
function keyEntries(story) {
  if (!story) return [];
  const repaired = story.jumps.filter((jump) => jump.repaired).length;
  const entries = [
    ["trend", "trend", story.shape !== SHAPE_NONE],
    ["break", "break, 90 %", story.change],
    ["jump", "jump, repaired", repaired],
    ["jump left", "jump, not repaired", repaired < story.jumps.length],
    ["moved", "before the repair", repaired],
  ];
  return entries.filter(([, , there]) => there);
}

/** Legend of the lines of a series. */
function keyOf(story) {
  const parts = keyEntries(story).map(([kind, text]) => html("span", {}, html("i", { class: kind }), text));
  return parts.length ? html("div", { class: "key" }, ...parts) : "";
}

/** Names and numbers for the side of the panel. */
function storyFacts(story) {
  if (!story) return [];
  const { acceleration, season, rmse, change, jumps, after } = story;
  const known = [];
  const tell = (name, estimate, unit) => Number.isFinite(estimate[0]) && known.push([name, `${spread(estimate)} ${unit}`]);
  if (story.status !== "ok") known.push(["Diagnosis", statusText(story.status)]);
  tell("Acceleration", acceleration, "mm/yr²");
  tell("Yearly cycle", season, "mm");
  if (Number.isFinite(rmse)) known.push(["Scatter", `${plain(rmse, 2)} mm`]);
  if (change) {
    known.push(["Break", dateOf(change.day)]);
    known.push(["90 % from", dateOf(change.earliest)], ["90 % to", dateOf(change.latest)]);
    known.push(["Before", `${spread(change.before)} mm/yr`], ["After", `${spread(change.after)} mm/yr`]);
  }
  if (jumps.length) known.push(["Jumps", String(jumps.length)]);
  else if (story.looked) known.push(["Jumps", "none found"]);
  if (jumps.some((jump) => jump.repaired)) known.push(["Repaired", after === null ? "No class" : facts.groups[after]]);
  return known;
}

/** A list of the jumps. */
function jumpList(story) {
  if (!story?.jumps.length) return "";
  return html("ul", { class: "jumps" }, ...story.jumps.map((jump) => html("li", {}, jumpText(jump))));
}

function spread([value, std]) {
  return Number.isFinite(std) ? `${plain(value, 2)} ± ${plain(std, 2)}` : plain(value, 2);
}

function breakText({ day, earliest, latest, before, after }) {
  const interval = `90 % within ${dateOf(earliest)} to ${dateOf(latest)}`;
  return `Break ${dateOf(day)} (${interval}): ${spread(before)} before, ${spread(after)} mm/yr after`;
}

function jumpText({ day, mm, cycles, probability, distance, repaired }) {
  const parts = [`${dateOf(day)}: ${mm[0] > 0 ? "+" : ""}${spread(mm)} mm`];
  if (Number.isFinite(cycles)) {
    parts.push(`${cycles > 0 ? "+" : ""}${plain(cycles)} ${Math.abs(cycles) === 1 ? "cycle" : "cycles"}`);
  } else if (Number.isFinite(distance)) parts.push("no whole cycles");
  if (Number.isFinite(distance)) parts.push(`${plain(distance, 1)} σ from whole ones`);
  if (Number.isFinite(probability)) parts.push(`probability ${chance(probability)}`);
  return [...parts, repaired ? "repaired" : "not repaired"].join(", ");
}

/* The series of one point, drawn layer by layer. */

/** Each takes the plot (root, x(day), y(mm), left, right, top, bottom) and the series (days, values as in the file,
    shown without repaired jumps, story, colour). */
const SERIES_LAYERS = [
  drawGaps, drawDateAxis, drawValueAxis, drawBreak, drawJumps, drawMoved, drawValues, drawTrend,
];

/** Days since 1970 of the page's dates. */
const epochDays = facts.dates.map(dayOf);

/** Layers of each series if there are several: breaks and jumps of all of them would hide the points. */
const SHARED_LAYERS = [drawDateAxis, drawValueAxis];
const LAYERS_OF_SEVERAL = [drawValues, drawTrend];

/** Return the plot of a series.

    values: mm, NaN = missing; one a date of the page.
    story: what its diagnosis states, or null. */
function drawSeries(width, values, story, colour) {
  return drawLines(width, [{ values, story, colour }]);
}

/** Return the plot of one or several series, each with values, story and colour as for drawSeries, and id. */
function drawLines(width, lines, height = 250) {
  const several = lines.length > 1;
  const all = lines.map(({ id, values, story, colour }) =>
    ({ id, days: epochDays, values, shown: correctedOf(epochDays, values, story), story, colour, several }));
  const known = all.flatMap(({ values, shown }) => (several ? shown : [...values, ...shown])).filter(Number.isFinite);
  // At least 20 mm, so that noise does not fill the plot.
  const middle = known.length ? (Math.min(...known) + Math.max(...known)) / 2 : 0;
  const half = known.length ? Math.max(10, (Math.max(...known) - Math.min(...known)) * 0.56) : 10;
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img" });
  const plot = { root, left: 48, right: width - 10, top: 22, bottom: height - 24 };
  const [first, last] = [epochDays[0], epochDays[epochDays.length - 1]];
  const margin = Math.max(last - first, 1) * 0.015;
  plot.from = first - margin;
  plot.to = last + margin;
  plot.low = Math.min(middle - half, -1);
  plot.high = Math.max(middle + half, 1);
  plot.x = (day) => plot.left + ((day - plot.from) / (plot.to - plot.from)) * (plot.right - plot.left);
  plot.y = (mm) => plot.bottom - ((mm - plot.low) / (plot.high - plot.low)) * (plot.bottom - plot.top);
  root.setAttribute("aria-label", `Displacement of ${all.map((one) => validEpochs(one).length).join(", ")} epochs, in millimetres`);
  if (several) {
    for (const layer of SHARED_LAYERS) layer(plot);
    for (const series of all) for (const layer of LAYERS_OF_SEVERAL) layer(plot, series);
  } else for (const layer of SERIES_LAYERS) layer(plot, all[0]);
  addReadout(plot, all);
  return root;
}

function validEpochs({ days, shown }) {
  return days.map((day, k) => [day, shown[k], k]).filter(([, value]) => Number.isFinite(value));
}

/** Days beyond which two neighbouring epochs have a gap between them: three times the usual interval, at least a month. */
function gapDays(epochs) {
  const steps = epochs.slice(1).map(([day], k) => day - epochs[k][0]).sort((a, b) => a - b);
  return Math.max(31, 3 * (steps[steps.length >> 1] ?? 0));
}

/** Grey bands at long gaps. */
function drawGaps(plot, series) {
  const { days } = series;
  const epochs = validEpochs(series);
  const longest = gapDays(epochs);
  const edges = [days[0], ...epochs.map(([day]) => day), days[days.length - 1]];
  edges.slice(1).forEach((day, k) => {
    if (day - edges[k] <= longest) return;
    const [x, end] = [plot.x(edges[k]), plot.x(day)];
    const box = { x, y: plot.top, width: end - x, height: plot.bottom - plot.top };
    const band = svg("rect", { class: "gap", ...box, fill: themed("--fill") });
    band.append(svg("title", {}, `${day - edges[k]} days without a value`));
    plot.root.append(band);
  });
}

function drawDateAxis({ root, x, from, to, top, bottom }) {
  const years = (to - from) / 365.25;
  const months = years > 2.5 ? 12 : years > 1 ? 6 : years > 0.5 ? 3 : 1;
  const begin = new Date(from * DAY_MS).getUTCFullYear();
  const room = x(from + months * 30.4) - x(from);
  const every = Math.max(1, Math.ceil(46 / room));
  for (let k = 0; begin + (k * months) / 12 <= begin + years + 1; k++) {
    const date = new Date(Date.UTC(begin, k * months, 1));
    const day = date / DAY_MS;
    if (day < from || day > to) continue;
    root.append(svg("line", { class: "axis", x1: x(day), x2: x(day), y1: top, y2: bottom }));
    if (k % every) continue;
    const text = months === 12 ? date.getUTCFullYear() : date.toISOString().slice(0, 7);
    root.append(svg("text", { x: x(day), y: bottom + 17, "text-anchor": "middle" }, String(text)));
  }
}

function drawValueAxis({ root, y, low, high, left, right, top }) {
  for (const { value, text } of roundNumbers(low, high, 6)) {
    const zero = Math.abs(value) < 1e-9;
    root.append(svg("line", { class: zero ? "zero" : "axis", x1: left, x2: right, y1: y(value), y2: y(value) }));
    root.append(svg("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, text));
  }
  root.append(svg("text", { x: 0, y: top - 9 }, "Displacement, mm"));
}

/** A dot an epoch; a thin line between neighbours, but not across a gap. */
function drawValues(plot, series) {
  const epochs = validEpochs(series);
  const longest = gapDays(epochs);
  const path = epochs.map(([day, value], k) => {
    const joined = k && day - epochs[k - 1][0] <= longest;
    return `${joined ? "L" : "M"}${plot.x(day).toFixed(1)} ${plot.y(value).toFixed(1)}`;
  });
  const line = series.several ? series.colour : themed("--soft");
  plot.root.append(svg("path", { d: path.join(""), fill: "none", stroke: line, "stroke-opacity": 0.35 }));
  const radius = epochs.length > 250 || series.several ? 1.9 : 2.5;
  for (const [day, value, k] of epochs) {
    const dot = { cx: plot.x(day), cy: plot.y(value), r: radius, fill: series.colour };
    plot.root.append(svg("circle", { class: "epoch", "data-epoch": k, ...dot }));
  }
}

/** Date and value of the epoch nearest to the pointer: of one series in time, of several in the plot. */
function addReadout(plot, all) {
  const epochs = all.flatMap((series) => validEpochs(series).map((epoch) => [...epoch, series.id]));
  if (!epochs.length) return;
  const several = all.length > 1;
  const text = svg("text", { class: "strong", x: plot.right, y: plot.top - 9, "text-anchor": "end" });
  const mark = svg("circle", { r: 5, fill: "none", stroke: themed("--ink"), visibility: "hidden" });
  plot.root.append(text, mark);
  plot.root.addEventListener("pointermove", (event) => {
    const box = plot.root.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const away = ([day, value]) => Math.hypot(plot.x(day) - px, several ? plot.y(value) - py : 0);
    const [day, value, k, id] = epochs.reduce((near, epoch) => (away(epoch) < away(near) ? epoch : near));
    text.textContent = `${several ? `${id}   ` : ""}${facts.dates[k]}   ${plain(value, 1)} mm`;
    fill(mark, { cx: plot.x(day), cy: plot.y(value), visibility: "visible" }, []);
  });
  plot.root.addEventListener("pointerleave", () => {
    text.textContent = "";
    mark.setAttribute("visibility", "hidden");
  });
}

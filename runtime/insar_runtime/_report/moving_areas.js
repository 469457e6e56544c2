/* Moving areas: outlines from the file of insar-rt areas, on the map, as a list, and one of them in the panel. */

const MOVING = [1, 2, 3, 5]; // groups whose points make an area: Linear, Quadratic, Bilinear, Other
const LEAST_OUTLINE = 8; // pixels; a smaller area is a ring
const AREA_MARGIN = 1.6; // of the map around an area that is shown, in its own widths
const MOST_ROWS = 300; // of the list, until all are asked for

/** Areas of the page: their numbers, rings in steps of the map, and the box around them; none without a file of areas. */
function areasOf(points) {
  if (!facts.areas) return [];
  const { list, corner } = facts.areas;
  let [ring, place] = [0, 0];
  return list.map((numbers, k) => {
    const rings = Array.from({ length: points.areaParts[k] }, () => {
      const length = points.areaRings[ring++];
      const start = place;
      place += length;
      return Array.from({ length }, (_, at) => [0, 1].map((axis) => points.areaPlaces[2 * (start + at) + axis] + corner[axis]));
    });
    const axis = (one) => rings.flat().map((corners) => corners[one]);
    const box = [0, 1].map((one) => [Math.min(...axis(one)), Math.max(...axis(one))]);
    return { ...numbers, k, rings, box };
  });
}

/** Whether an area is on the map, and in the list: that of its class. */
function areaShown(area, state) {
  return state.outlines && state.visible[area.group];
}

function tracedOf(map, area) {
  const path = new Path2D();
  const [[left, right], [low, high]] = area.box;
  const [[x1, y1], [x2, y2]] = [map.pixelsAt(left, high), map.pixelsAt(right, low)];
  if (Math.max(x2 - x1, y2 - y1) < LEAST_OUTLINE) {
    path.arc((x1 + x2) / 2, (y1 + y2) / 2, LEAST_OUTLINE / 2 + 1, 0, 2 * Math.PI);
    return path;
  }
  for (const ring of area.rings) {
    ring.forEach((corner, at) => (at ? path.lineTo(...map.pixelsAt(...corner)) : path.moveTo(...map.pixelsAt(...corner))));
    path.closePath();
  }
  return path;
}

/** Areas within the view that are shown; the chosen one is the last. */
function areasInView(map) {
  const { x, y, kx, ky, width, height } = map.view;
  const view = [[x - width / 2 / kx, x + width / 2 / kx], [y - height / 2 / ky, y + height / 2 / ky]];
  const near = ({ box }) => box.every(([low, high], axis) => high >= view[axis][0] && low <= view[axis][1]);
  const shown = map.areas.filter((area) => area.rings.length && areaShown(area, map.state) && near(area));
  const last = ({ k }) => (k === map.state.place ? 1 : 0);
  return shown.sort((a, b) => last(a) - last(b));
}

/** Faint fills below the points, whose colours stay as they are. */
function drawFills(map) {
  const context = map.under.getContext("2d");
  context.save();
  context.translate(-EDGE.left, -EDGE.top);
  for (const area of areasInView(map)) {
    Object.assign(context, { fillStyle: colourOf(area.group), globalAlpha: area.k === map.state.place ? 0.28 : 0.12 });
    context.fill(tracedOf(map, area), "evenodd");
  }
  context.restore();
}

/** Outlines on top of the points, in the colours of their classes on a halo; that of the chosen one is thick. */
function drawAreas(map, context) {
  context.lineJoin = "round";
  for (const area of areasInView(map)) {
    const [path, colour, chosen] = [tracedOf(map, area), colourOf(area.group), area.k === map.state.place];
    for (const [lineWidth, strokeStyle, alpha] of [[chosen ? 7 : 4.5, themed("--map"), 0.9], [chosen ? 3.5 : 2, colour, 1]]) {
      Object.assign(context, { lineWidth, strokeStyle, globalAlpha: alpha });
      context.stroke(path);
    }
    context.globalAlpha = 1;
  }
}

/** The area whose outline lies near a place of the canvas, or with reach 0 the smallest one around it; -1 if there is none. */
function areaAt(map, px, py, reach) {
  const context = map.over.getContext("2d");
  const hits = map.areas.filter((area) => {
    if (!area.rings.length || !areaShown(area, map.state)) return false;
    const path = tracedOf(map, area);
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.lineWidth = 2 * reach;
    const hit = reach ? context.isPointInStroke(path, px, py) : context.isPointInPath(path, px, py, "evenodd");
    context.restore();
    return hit;
  });
  const size = ({ box }) => box.reduce((product, [low, high]) => product * (high - low), 1);
  return hits.length ? hits.reduce((least, area) => (size(area) < size(least) ? area : least)).k : -1;
}

const AREA_COLUMNS = [
  { key: "id", name: "Area", of: ({ k }) => k },
  { key: "class", name: "Class", of: ({ group }) => group },
  { key: "points", name: "Points", title: "Moving points, of all that lie inside", of: ({ moving }) => moving },
  { key: "rate", name: "Rate, mm/yr", title: "Median of the rates, and their spread", of: ({ rate }) => rate },
  { key: "break", name: "Break", title: "Median of the break dates, where they agree", of: (area) => area.break },
  { key: "quality", name: "Quality", title: "1 is best, 4 worst: noise in time and coherence in space", of: ({ quality }) => quality },
];

function rateText({ rate, spread: deviation }) {
  return Number.isFinite(rate) ? `${plain(rate, 1)}${Number.isFinite(deviation) ? ` ± ${plain(deviation, 1)}` : ""}` : "–";
}

/** The list of the areas of the classes shown; actions: place(k), sortAreas(key), allAreas(), toggleOutlines(). */
function drawAreaList(areas, state, actions) {
  byId("areas-card").hidden = !facts.areas;
  if (!facts.areas) return;
  const { key, down } = state.sorted;
  const column = AREA_COLUMNS.find((one) => one.key === key);
  const missing = (value) => value === null || value === undefined;
  const order = (a, b) => {
    const [one, other] = [column.of(a), column.of(b)];
    if (missing(one) || missing(other)) return missing(one) - missing(other);
    return (one < other ? -1 : one > other ? 1 : 0) * (down ? -1 : 1) || a.k - b.k;
  };
  const shown = areas.filter(({ group }) => state.visible[group]).sort(order);
  const rows = state.allAreas ? shown : shown.slice(0, MOST_ROWS);
  const head = AREA_COLUMNS.map((one) => html("th", { scope: "col", "aria-sort": one !== column ? "none" : down ? "descending" : "ascending" },
    html("button", { type: "button", class: "quiet", "data-key": one.key, title: one.title ?? "", onclick: () => actions.sortAreas(one.key) },
      one.name, html("i", { "aria-hidden": "true" }, one === column ? (down ? " ↓" : " ↑") : ""))));
  const body = rows.map((area) => html("tr", { "data-area": area.id, "aria-selected": area.k === state.place, onclick: () => actions.place(area.k) },
    html("td", {}, html("button", { type: "button", class: "quiet", "aria-label": `Area ${area.id}: show it` }, area.id)),
    html("td", {}, html("span", { class: "named" }, swatch(area.group), facts.groups[area.group])),
    html("td", {}, `${plain(area.moving)} of ${plain(area.points)}`), html("td", {}, rateText(area)),
    html("td", {}, area.break ?? "–"), html("td", {}, plain(area.quality))));
  const focused = document.activeElement?.closest?.("#areas [data-key], #areas [data-area]")?.dataset;
  byId("areas").replaceChildren(html("table", {}, html("thead", {}, html("tr", {}, ...head)), html("tbody", {}, ...body)));
  // Keep the focus, because the rows are created again.
  if (focused?.key) byId("areas").querySelector(`[data-key="${focused.key}"]`).focus();
  else if (focused?.area) byId("areas").querySelector(`[data-area="${CSS.escape(focused.area)}"] button`)?.focus({ preventScroll: true });
  byId("all-areas").hidden = rows.length === shown.length;
  byId("all-areas").textContent = `Show all ${count(shown.length)}`;
  byId("outlines").checked = state.outlines;
  const hidden = shown.length < areas.length ? `${count(shown.length)} of ${count(areas.length)} areas, those of the classes shown. ` : "";
  byId("areas-note").textContent = areas.length ? `${hidden}From ${facts.areas.file}.` : `${facts.areas.file} holds no moving area.`;
}

/** The panel of the chosen area: its numbers and mean series; only its title while a point is chosen. */
function drawPlace(points, area, state, close, open) {
  const panel = byId("place");
  panel.hidden = !area;
  if (!area) return panel.replaceChildren();
  const name = html("div", { class: "name" }, swatch(area.group), html("b", {}, `Area ${area.id}`),
    html("span", {}, facts.groups[area.group]), html("span", {}, `${rateText(area)} mm/yr`),
    html("button", { type: "button", class: "quiet", id: "place-close", onclick: close }, "Close"));
  if (state.selected >= 0) {
    const more = html("button", { type: "button", class: "quiet", id: "place-open", onclick: open }, "Show the area");
    name.lastChild.before(more);
    return panel.replaceChildren(name);
  }
  const known = [
    ["Points", `${plain(area.moving)} moving of ${plain(area.points)} inside`],
    ["Size", Number.isFinite(area.size) ? `${plain(Number((area.size / 1e4).toPrecision(3)))} ha` : "–"],
    ["Quality", `${plain(area.quality)} (1 best, 4 worst)`],
    Number.isFinite(area.acceleration) && ["Acceleration", `${plain(area.acceleration, 1)} mm/yr²`],
    area.break && ["Break", `${area.break}${Number.isFinite(area.breakSpread) ? ` ± ${plain(area.breakSpread, 0)} days` : ""}`],
    Number.isFinite(area.displacement) && ["Largest displacement", `${plain(area.displacement, 1)} mm`],
  ].filter(Boolean);
  panel.replaceChildren(name, ...placeSeries(points, area), pairs(known));
}

/** Mean series of an area: that of its file, else of the moving points inside whose series are in the page. */
function placeSeries(points, area) {
  const plot = html("div", { class: "plot", id: "place-plot" });
  const { dates } = facts.areas;
  const start = 3 * dates.length * area.k;
  const of = (k, date) => ofTenths(points.areaSeries[start + k * dates.length + date]);
  const stored = dates.map((_, date) => [0, 1, 2].map((k) => of(k, date)));
  if (stored.some(([, median]) => Number.isFinite(median))) {
    responsive(plot, (width) => drawQuartiles(width, stored, dates.map(dayOf)));
    return [plot, html("p", { class: "note" }, "Median of the series of its points at each date, and their middle half.")];
  }
  const moving = facts.groups.map((_, group) => MOVING.includes(group));
  const members = pointsInRings(points, area.rings, moving);
  if (!members.length) return [html("p", { class: "hint" }, "No mean series: no moving point of this page lies in the area.")];
  return areaSeries(points, members, "place-plot");
}

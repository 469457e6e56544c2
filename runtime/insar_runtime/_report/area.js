/* The points of a selection, a polygon that the user draws: counts by class, median and quartiles of their series, and their ids as a table. */

const QUARTILES = [0.25, 0.5, 0.75];

/** Numbers of the points of the classes shown that lie in a polygon of corners in steps. */
function pointsInside(points, corners, visible) {
  return pointsInRings(points, [corners], visible);
}

/** Numbers of the points of the classes shown that lie in an odd number of rings of corners in steps. */
function pointsInRings(points, rings, visible) {
  const [low, high] = [0, 1].map((axis) => rings.flat().map((corner) => corner[axis])).reduce(
    ([lows, highs], values) => [[...lows, Math.min(...values)], [...highs, Math.max(...values)]], [[], []]);
  const inside = [];
  for (let i = 0; i < points.count; i++) {
    const [x, y] = [points.x[i], points.y[i]];
    if (x < low[0] || x > high[0] || y < low[1] || y > high[1] || !points.hasPlace(i) || !visible[points.group[i]]) continue;
    let odd = false;
    for (const corners of rings) {
      corners.forEach(([x1, y1], k) => {
        const [x2, y2] = corners[(k + 1) % corners.length];
        if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) odd = !odd;
      });
    }
    if (odd) inside.push(i);
  }
  return inside;
}

/** Quartiles of the series of some points: for each date the quarter, the median and three quarters, in mm; NaN without
    a value. Quantiles between two values are interpolated. */
function seriesQuartiles(points, members) {
  const width = facts.dates.length;
  const starts = members.map((i) => points.detailStarts[i] * width);
  return facts.dates.map((_, date) => {
    const values = Int16Array.from(starts, (start) => {
      const coded = points.series[start + date];
      return coded === MISSING ? -32768 : (coded >>> 1) ^ -(coded & 1);
    }).filter((value) => value !== -32768);
    return quantilesOf(values);
  });
}

/** Quantiles of tenths by counting, because an area may have many points. */
function quantilesOf(values) {
  if (!values.length) return QUARTILES.map(() => NaN);
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const counts = new Uint32Array(high - low + 1);
  for (const value of values) counts[value - low]++;
  const ranked = (rank) => {
    let at = 0;
    for (let before = counts[0]; before <= rank; before += counts[++at]);
    return low + at;
  };
  return QUARTILES.map((part) => {
    const rank = part * (values.length - 1);
    const [below, above] = [ranked(Math.floor(rank)), ranked(Math.ceil(rank))];
    return (below + (above - below) * (rank - Math.floor(rank))) / 10;
  });
}

/** The panel of the selection; empty without one. */
function drawArea(points, corners, visible, clear) {
  const panel = byId("area");
  panel.hidden = !corners;
  if (!corners) return panel.replaceChildren();
  const members = pointsInside(points, corners, visible);
  const name = html("div", { class: "name" }, html("b", {}, "Selection"),
    html("span", { id: "area-count" }, `${count(members.length)} ${members.length === 1 ? "point" : "points"}`));
  const remove = html("button", { type: "button", class: "quiet", id: "area-clear", onclick: clear }, "Remove");
  if (!members.length) {
    name.append(remove);
    return panel.replaceChildren(name, html("p", { class: "hint" }, "No point of the classes shown lies in this selection."));
  }
  const ids = html("button", { type: "button", id: "area-ids", onclick: () => saveIds(points, members) }, "Ids (CSV)");
  name.append(ids, remove);
  panel.replaceChildren(name, areaCounts(points, members), ...areaSeries(points, members));
}

function areaCounts(points, members) {
  const groups = facts.groups.map(() => 0);
  for (const i of members) groups[points.group[i]]++;
  const rows = groups.flatMap((number, group) => (number ? [html("div", { class: "row", "data-group": group },
    swatch(group), html("span", {}, facts.groups[group]), html("span", {}, count(number)),
    html("span", {}, percent(number / members.length)))] : []));
  return html("div", { id: "area-counts" }, ...rows);
}

function areaSeries(points, members, id = "area-plot") {
  const known = facts.series.kept ? members.filter((i) => points.detailed[i]) : [];
  if (!known.length) return [withoutSeries()];
  const quartiles = seriesQuartiles(points, known);
  const plot = html("div", { class: "plot", id });
  const some = known.length < members.length ? `${count(known.length)} of ${count(members.length)} points, those whose series are in this page` : "all of them";
  responsive(plot, (width) => drawQuartiles(width, quartiles));
  return [plot, html("p", { class: "note" }, `Median of the series at each date, and their middle half; of ${some}.`)];
}

function withoutSeries() {
  if (facts.series.trouble) return html("p", { class: "hint" }, `The series cannot be read: ${facts.series.trouble}`);
  if (facts.series.kept) {
    return html("p", { class: "hint" }, "No mean series: this page has no room for the series of these points. With more room it is made by",
      html("code", {}, `insar-rt report ${quoted(facts.shownAs)} --series-mb 100`));
  }
  return html("p", { class: "hint" }, "No mean series: the file holds classes without series. With them it is made by",
    html("code", {}, "insar-rt classify --keep-series"));
}

/** Plot of the median and the band between the quartiles. */
function drawQuartiles(width, quartiles, days = epochDays) {
  const known = quartiles.flat().filter(Number.isFinite);
  const [least, most] = [Math.min(...known, 0), Math.max(...known, 0)];
  const half = Math.max(10, (most - least) * 0.56); // at least 20 mm, so that noise does not fill the plot
  const height = 220;
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Median and quartiles of the displacement, in millimetres" });
  const plot = { root, left: 48, right: width - 10, top: 22, bottom: height - 24 };
  const [first, last] = [days[0], days[days.length - 1]];
  const margin = Math.max(last - first, 1) * 0.015;
  Object.assign(plot, { from: first - margin, to: last + margin, low: (least + most) / 2 - half, high: (least + most) / 2 + half });
  plot.x = (day) => plot.left + ((day - plot.from) / (plot.to - plot.from)) * (plot.right - plot.left);
  plot.y = (mm) => plot.bottom - ((mm - plot.low) / (plot.high - plot.low)) * (plot.bottom - plot.top);
  drawDateAxis(plot);
  drawValueAxis(plot);
  const dates = quartiles.map((values, k) => [days[k], ...values]).filter(([, , median]) => Number.isFinite(median));
  const at = (day, mm) => `${plot.x(day).toFixed(1)} ${plot.y(mm).toFixed(1)}`;
  const band = [...dates.map(([day, , , upper]) => at(day, upper)), ...dates.map(([day, lower]) => at(day, lower)).reverse()];
  root.append(svg("path", { class: "quartiles", d: `M${band.join("L")}Z` }));
  const longest = gapDays(dates);
  const line = dates.map(([day, , median], k) => `${k && day - dates[k - 1][0] <= longest ? "L" : "M"}${at(day, median)}`);
  root.append(svg("path", { class: "median", d: line.join("") }));
  return root;
}

/** Save ids, classes, confidences and velocities of points as CSV. */
function saveIds(points, members) {
  const number = (value, digits) => (Number.isFinite(value) ? String(Number(value.toFixed(digits))) : "");
  const lines = members.map((i) => [tableCell(points.id(i)), points.group[i] === NO_CLASS ? "" : facts.groups[points.group[i]],
    number(points.confidenceOf(i), 3), number(points.velocityOf(i), 1)]);
  const table = [[tableCell(facts.idName ?? "row"), "class_name", "confidence", "velocity_mm_yr"], ...lines];
  save("selection.csv", new Blob([table.map((row) => `${row.join(",")}\n`).join("")], { type: "text/csv" }));
}

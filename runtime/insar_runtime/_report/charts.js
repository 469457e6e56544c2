/* Charts of all rows of the table: shares, confidence, velocity. Hidden classes fade or vanish. */

const share = (number) => (facts.counts.rows ? number / facts.counts.rows : 0);

/** The ring of class shares; a click on a slice shows or hides the class. */
function drawDonut(state, toggle) {
  const donut = byId("donut");
  fill(donut, { viewBox: "0 0 120 120", role: "img", "aria-label": "Shares of the classes" }, []);
  donut.replaceChildren();
  let angle = -Math.PI / 2;
  facts.counts.groups.forEach((rows, group) => {
    if (!rows) return;
    const turn = share(rows) * 2 * Math.PI;
    const slice = svg("path", {
      d: slicePath(angle, angle + turn), fill: colourOf(group), stroke: themed("--card"), "stroke-width": 1,
      opacity: state.visible[group] ? 1 : 0.25, "data-group": group, onclick: () => toggle(group),
    });
    slice.append(svg("title", {}, `${facts.groups[group]}: ${count(rows)}, ${percent(share(rows))}`));
    donut.append(slice);
    angle += turn;
  });
  const { rows } = facts.counts;
  donut.append(svg("text", { class: "strong", x: 60, y: 60, "text-anchor": "middle" }, count(rows)));
  donut.append(svg("text", { x: 60, y: 75, "text-anchor": "middle" }, rows === 1 ? "point" : "points"));
}

function slicePath(from, to) {
  const [outer, inner] = [58, 37];
  // An SVG arc cannot be a full circle.
  const end = Math.min(to, from + 2 * Math.PI - 1e-4);
  const at = (radius, angle) => `${60 + radius * Math.cos(angle)} ${60 + radius * Math.sin(angle)}`;
  const large = end - from > Math.PI ? 1 : 0;
  const forth = `M${at(outer, from)}A${outer} ${outer} 0 ${large} 1 ${at(outer, end)}`;
  const back = `L${at(inner, end)}A${inner} ${inner} 0 ${large} 0 ${at(inner, from)}Z`;
  return forth + back;
}

/** The table of classes: a button each that shows or hides it, and one that shows it alone. */
function drawLegend(state, toggle, only) {
  const rows = facts.groups.map((name, group) => {
    const number = facts.counts.groups[group];
    if (group === NO_CLASS && !number) return null;
    const seen = { "aria-pressed": state.visible[group], onclick: () => toggle(group) };
    const alone = { "aria-label": `Show ${name} only`, onclick: () => only(group) };
    const texts = [name, count(number), percent(share(number))];
    return html("div", { class: "row" },
      html("button", { type: "button", class: "class", "data-group": group, ...seen },
        swatch(group), ...texts.map((text) => html("span", {}, text))),
      html("button", { type: "button", class: "only quiet", "data-group": group, ...alone }, "only"));
  });
  // Keep the focus, because the rows are created again.
  const focused = document.activeElement?.dataset?.group;
  const kind = document.activeElement?.classList[0];
  byId("legend").replaceChildren(...rows.filter(Boolean));
  if (focused !== undefined) byId("legend").querySelector(`.${kind}[data-group="${focused}"]`)?.focus();
}

/** Bars of confidence, the classes on top of each other. */
function drawConfidence(width, state) {
  const { from, to, counts } = facts.counts.confidence;
  const bins = counts[0].length;
  const groups = counts.map((_, group) => group).filter((group) => state.visible[group]);
  const total = (bin) => groups.reduce((sum, group) => sum + counts[group][bin], 0);
  const most = Math.max(1, ...counts[0].map((_, bin) => total(bin)));
  const [left, right, top, bottom] = [44, width - 6, 8, 150];
  const root = svg("svg", { width, height: 186, role: "img", "aria-label": "Points by confidence of their class" });
  const x = (value) => left + ((value - from) / (to - from)) * (right - left);
  const y = (rows) => bottom - (rows / most) * (bottom - top);
  for (const { value, text } of roundNumbers(0, most, 3)) {
    if (value % 1) continue;
    root.append(svg("line", { class: "axis", x1: left, x2: right, y1: y(value), y2: y(value) }));
    root.append(svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, short(value, text)));
  }
  const step = (right - left) / bins;
  counts[0].forEach((_, bin) => {
    let base = 0;
    for (const group of groups) {
      const rows = counts[group][bin];
      const [low, high] = [y(base), y(base + rows)];
      const bar = { x: left + bin * step + 0.5, width: Math.max(1, step - 1), y: high, height: low - high };
      if (rows) root.append(svg("rect", { ...bar, fill: colourOf(group) }));
      base += rows;
    }
  });
  for (const value of [0.2, 0.4, 0.6, 0.8, 1]) {
    const anchor = value === 1 ? "end" : "middle";
    root.append(svg("text", { x: x(value), y: bottom + 16, "text-anchor": anchor }, value.toFixed(1)));
  }
  const name = "probability of the most probable class";
  root.append(svg("text", { x: (left + right) / 2, y: bottom + 33, "text-anchor": "middle" }, name));
  return root;
}

function short(value, text) {
  if (value >= 1e6) return `${plain(value / 1e6)} M`;
  return value >= 1e4 ? `${plain(value / 1e3)} k` : text;
}

/** A strip a class: its distribution, the middle half as a box, the median as a line. */
function drawVelocity(width, state) {
  const { from, to, counts, quantiles } = facts.counts.velocity;
  const groups = counts.map((_, group) => group).filter((group) => quantiles[group]);
  const [left, right, strip, top] = [76, width - 8, 34, 4];
  const bottom = top + groups.length * strip;
  const root = svg("svg", { width, height: bottom + 38, role: "img", "aria-label": "Velocity by class" });
  const x = (value) => left + ((Math.min(Math.max(value, from), to) - from) / (to - from)) * (right - left);
  for (const { value, text } of roundNumbers(from, to, (right - left) / 50)) {
    const kind = Math.abs(value) < 1e-9 ? "zero" : "axis";
    root.append(svg("line", { class: kind, x1: x(value), x2: x(value), y1: top, y2: bottom }));
    root.append(svg("text", { x: x(value), y: bottom + 16, "text-anchor": "middle" }, text));
  }
  root.append(svg("text", { x: (left + right) / 2, y: bottom + 34, "text-anchor": "middle" }, "mm/yr"));
  groups.forEach((group, place) => {
    const y = top + (place + 0.5) * strip;
    const [low, quarter, median, threeQuarters, high] = quantiles[group].map(x);
    const one = svg("g", { opacity: state.visible[group] ? 1 : 0.2, "data-group": group });
    const [least, , middle, , most] = quantiles[group].map((value) => plain(value, 1));
    one.append(svg("title", {}, `${facts.groups[group]}: median ${middle}, 5 to 95 % ${least} to ${most} mm/yr`));
    one.append(svg("text", { x: 0, y: y + 4 }, facts.groups[group]));
    const d = violin(counts[group], left, right, y, strip * 0.46);
    const half = { x: quarter, y: y - 4, width: Math.max(1, threeQuarters - quarter), height: 8 };
    const stroke = themed("--ink");
    one.append(svg("path", { d, fill: colourOf(group), "fill-opacity": 0.75 }));
    one.append(svg("line", { x1: low, x2: high, y1: y, y2: y, stroke, "stroke-opacity": 0.7 }));
    one.append(svg("rect", { ...half, fill: themed("--card"), stroke }));
    one.append(svg("line", { x1: median, x2: median, y1: y - 4, y2: y + 4, stroke, "stroke-width": 2 }));
    root.append(one);
  });
  return root;
}

function violin(counts, left, right, middle, half) {
  const most = Math.max(...counts, 1);
  const step = (right - left) / counts.length;
  const at = (k, away) => `${(left + (k + 0.5) * step).toFixed(1)} ${(middle + away).toFixed(1)}`;
  const edge = (sign) => counts.map((rows, k) => at(k, (sign * half * rows) / most));
  return `M${[...edge(-1), ...edge(1).reverse()].join("L")}Z`;
}

/* What ties it together: the state, what changes it, and what is drawn anew then. */

const MODES = { class: "Class", velocity: "Velocity", confidence: "Confidence" };
const RAMPS = {
  velocity: ["#a50026", "#e0603c", "#d3b06c", "#b4b4a6", "#7fb1c6", "#4575b4", "#2b2f8f"],
  confidence: ["#f0a63a", "#d8576b", "#8f2fa3", "#4a4ad6"],
};

const state = { visible: facts.groups.map(() => true), mode: "class", hovered: -1, selected: -1 };

/** 256 colours for the painter: by group, or along a ramp of which 0 stands for a missing value. */
function rampColours(mode) {
  const ramp = new Uint8Array(4 * 256);
  const stops = RAMPS[mode];
  for (let k = 0; k < 256; k++) {
    let [colour, alpha] = ["#808080", 60];
    if (mode === "class" && k < facts.groups.length) {
      // Stable points are most, and are to recede.
      [colour, alpha] = [colourOf(k), k === 0 ? 215 : 255];
    }
    const parts = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
    let rgb = parts(colour);
    if (stops && k) {
      const place = ((k - 1) / 254) * (stops.length - 1);
      const low = Math.min(Math.floor(place), stops.length - 2);
      const [from, to] = [parts(stops[low]), parts(stops[low + 1])];
      rgb = from.map((value, c) => Math.round(value + (to[c] - value) * (place - low)));
      alpha = 235;
    }
    ramp.set([...rgb, alpha], 4 * k);
  }
  return ramp;
}

/** Ends of the ramp: velocities symmetric about 0 that hold 98 of 100 points; confidences from the least to 1. */
function rampEnds(mode) {
  if (mode === "confidence") return [facts.counts.confidence.from, 1];
  const { from, to, counts } = facts.counts.velocity;
  const bins = counts[0].map((_, k) => counts.reduce((sum, group) => sum + group[k], 0));
  const middle = (k) => Math.abs(from + ((k + 0.5) * (to - from)) / bins.length);
  const far = bins.map((rows, k) => [middle(k), rows]).sort((a, b) => b[0] - a[0]);
  let left = bins.reduce((sum, rows) => sum + rows, 0) * 0.02;
  const end = far.find(([, rows]) => (left -= rows) < 0)?.[0] ?? 1;
  const step = roundStep(end, 8);
  const most = Math.max(step, Math.ceil(end / step) * step);
  return [-most, most];
}

function pointValues(points, mode) {
  if (mode === "class") return points.group;
  const [low, high] = rampEnds(mode);
  const values = new Uint8Array(points.count);
  for (let i = 0; i < points.count; i++) {
    const value = mode === "velocity" ? points.velocityOf(i) : points.confidenceOf(i);
    if (Number.isFinite(value)) values[i] = 1 + Math.round(254 * Math.min(1, Math.max(0, (value - low) / (high - low))));
  }
  return values;
}

function drawRamp() {
  const element = byId("ramp");
  element.hidden = state.mode === "class";
  if (element.hidden) return;
  const canvas = html("canvas", { width: 255, height: 1 });
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(rampColours(state.mode).slice(4)), 255, 1), 0, 0);
  const [low, high] = rampEnds(state.mode);
  element.replaceChildren(plain(low), canvas, `${plain(high)}${state.mode === "velocity" ? " mm/yr" : ""}`);
}

function drawModes(choose) {
  byId("modes").replaceChildren(...Object.entries(MODES)
    .filter(([mode]) => mode !== "velocity" || facts.counts.velocity)
    .map(([mode, text]) => html("button", { type: "button", "data-mode": mode, "aria-pressed": mode === state.mode, onclick: () => choose(mode) }, text)));
}

function drawTip(points, i, x, y) {
  const tip = byId("tip");
  tip.hidden = i < 0;
  if (tip.hidden) return;
  const velocity = points.velocityOf(i);
  const details = [chance(points.confidenceOf(i)), Number.isFinite(velocity) ? `${plain(velocity, 1)} mm/yr` : ""];
  if (!Number.isFinite(points.confidenceOf(i))) details[0] = facts.statuses[points.status[i]].replaceAll("_", " ");
  tip.replaceChildren(html("b", {}, points.id(i)), html("span", {}, facts.groups[points.group[i]]), html("span", {}, `  ${details.filter(Boolean).join(", ")}`));
  const { clientWidth, clientHeight } = byId("map");
  const left = x + 16 + tip.offsetWidth > clientWidth ? x - 16 - tip.offsetWidth : x + 16;
  const top = Math.min(y + 14, clientHeight - tip.offsetHeight - 4);
  Object.assign(tip.style, { left: `${left}px`, top: `${top}px` });
}

function drawTexts() {
  const { rows, unplaced, statuses } = facts.counts;
  const span = facts.dates.length ? `, ${facts.dates.length} epochs from ${facts.dates[0]} to ${facts.dates[facts.dates.length - 1]}` : "";
  byId("title").textContent = facts.title;
  byId("lead").textContent = `${facts.title === facts.file ? "" : `${facts.file}: `}${count(rows)} points${span}`;
  const notes = [];
  if (facts.points < rows) notes.push(`The map shows a uniform sample of ${count(facts.points)} of ${count(rows)} points; all numbers are of all points.`);
  if (unplaced) notes.push(`${count(unplaced)} of ${count(rows)} points have no position and are not on the map.`);
  if (facts.position && facts.position.kind !== "degrees") notes.push(`Coordinates: ${facts.position.system}.`);
  if (facts.series.kept && facts.series.rows < facts.points) notes.push(`${count(facts.series.rows)} points come with their series, an even share of each class.`);
  byId("map-note").textContent = notes.join(" ");
  if (!facts.position && notes.length) byId("lead").textContent += `. ${notes.join(" ")}`;
  byId("statuses").replaceChildren(...pairs(Object.entries(statuses).map(([name, number]) => [name.replaceAll("_", " "), count(number)])).children);
  byId("velocity-note").textContent = facts.velocityName ? `Velocity: ${facts.velocityName}. Box: middle half, line: 5 to 95 %.` : "";
  byId("about").replaceChildren(...pairs(facts.about).children);
  if (facts.attribution) byId("about").append(html("dt", {}, "Data"), html("dd", {}, facts.attribution));
  byId("notes").replaceChildren(...facts.notes.map((note) => html("li", {}, note)));
}

async function start() {
  const points = await Points.load();
  drawTexts();
  byId("wait").remove();
  document.querySelector("main").hidden = false;
  let map = null;
  const confidence = responsive(byId("confidence"), (width) => drawConfidence(width, state));
  const velocity = facts.counts.velocity ? responsive(byId("velocity"), (width) => drawVelocity(width, state)) : () => {};
  byId("velocity-card").hidden = !facts.counts.velocity;

  const show = (visible) => {
    state.visible = visible;
    if (state.hovered >= 0) hover(-1);
    redraw();
  };
  const toggle = (group) => show(state.visible.map((seen, k) => (k === group ? !seen : seen)));
  const only = (group) => show(state.visible.map((_, k) => k === group));
  const redraw = () => {
    drawDonut(state, toggle);
    drawLegend(state, toggle, only);
    confidence();
    velocity();
    map?.request();
  };
  const recolour = () => {
    drawModes(choose);
    drawRamp();
    map?.recolour(pointValues(points, state.mode), rampColours(state.mode));
  };
  const choose = (mode) => {
    state.mode = mode;
    recolour();
  };
  const hover = (i, x, y) => {
    drawTip(points, i, x, y);
    if (i !== state.hovered) {
      state.hovered = i;
      map.request();
    }
  };
  const select = (i, reveal = false) => {
    state.selected = i;
    drawPoint(points, i);
    if (reveal && map && points.hasPlace(i)) map.reveal(i);
    else map?.request();
  };
  const stepBy = (by) => {
    let i = state.selected < 0 && by < 0 ? 0 : state.selected;
    for (let tries = 0; tries < points.count; tries++) {
      i = (i + by + points.count) % points.count;
      if (state.visible[points.group[i]]) return select(i, true);
    }
  };

  if (facts.position) map = new PointMap(points, state, { hover, select });
  else byId("map-card").hidden = true;
  byId("all-classes").addEventListener("click", () => show(facts.groups.map(() => true)));
  byId("previous").addEventListener("click", () => stepBy(-1));
  byId("next").addEventListener("click", () => stepBy(1));
  byId("find").addEventListener("submit", (event) => {
    event.preventDefault();
    const i = points.find(byId("find-id").value.trim());
    byId("find-id").classList.toggle("unknown", i < 0);
    if (i >= 0) select(i, true);
  });
  darkScheme.addEventListener("change", () => {
    redraw();
    recolour();
    drawPoint(points, state.selected);
  });
  redraw();
  recolour();
  select(-1);
  // For tests and the curious: what the page shows, to read and not to change.
  window.report = Object.freeze({
    facts, points, map,
    get state() {
      const shown = points.ranges.filter(({ group }) => state.visible[group]);
      return { ...state, visible: [...state.visible], shown: shown.reduce((sum, { start, end }) => sum + end - start, 0) };
    },
  });
}

start().catch((error) => {
  byId("wait").textContent = `This browser cannot show the page: ${error.message}`;
  throw error;
});

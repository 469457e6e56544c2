/* Colours of the map: classes, or a ramp of velocity, confidence or the date of a break. */

const MODES = { class: "Class", velocity: "Velocity", confidence: "Confidence", change: "Break" };
const RAMPS = {
  velocity: ["#a50026", "#e0603c", "#d3b06c", "#b4b4a6", "#7fb1c6", "#4575b4", "#2b2f8f"],
  confidence: ["#f0a63a", "#d8576b", "#8f2fa3", "#4a4ad6"],
  change: ["#2b6cb0", "#2aa198", "#b9a30a", "#e07b1a", "#b3202c"],
};

/** 256 colours for the painter: by group, or along a ramp of which 0 stands for a missing value. */
function rampColours(mode) {
  const ramp = new Uint8Array(4 * 256);
  const stops = RAMPS[mode];
  for (let k = 0; k < 256; k++) {
    let [colour, alpha] = ["#808080", 60];
    if (mode === "class" && k < facts.groups.length) {
      // Most points are Stable, and must not dominate.
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

/** Ends of the ramp: velocities symmetric about 0 that hold 98 of 100 points; confidences from the least to 1; the
    first and the last break. */
function rampEnds(mode) {
  if (mode === "change") return facts.diagnosis.changed;
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
  const of = {
    velocity: (i) => points.velocityOf(i), confidence: (i) => points.confidenceOf(i), change: (i) => points.changeOf(i),
  };
  const values = new Uint8Array(points.count);
  for (let i = 0; i < points.count; i++) {
    const value = of[mode](i);
    const place = Math.min(1, Math.max(0, (value - low) / Math.max(high - low, 1e-9)));
    if (Number.isFinite(value)) values[i] = 1 + Math.round(254 * place);
  }
  return values;
}

function drawRamp() {
  const element = byId("ramp");
  element.hidden = state.mode === "class";
  if (element.hidden) return;
  const canvas = html("canvas", { width: 255, height: 1 });
  const pixels = new Uint8ClampedArray(rampColours(state.mode).slice(4));
  canvas.getContext("2d").putImageData(new ImageData(pixels, 255, 1), 0, 0);
  const [low, high] = rampEnds(state.mode);
  const texts = state.mode === "change" ? [low, high].map((day) => dateOf(dayOf(facts.diagnosis.origin) + day))
    : [plain(low), `${plain(high)}${state.mode === "velocity" ? " mm/yr" : ""}`];
  element.replaceChildren(texts[0], canvas, texts[1]);
}

function drawModes(choose) {
  const button = ([mode, text]) => {
    const chosen = { "aria-pressed": mode === state.mode, onclick: () => choose(mode) };
    return html("button", { type: "button", "data-mode": mode, ...chosen }, text);
  };
  const there = { velocity: facts.counts.velocity, change: facts.diagnosis?.changed };
  const modes = Object.entries(MODES).filter(([mode]) => !(mode in there) || there[mode]);
  byId("modes").replaceChildren(...modes.map(button));
}

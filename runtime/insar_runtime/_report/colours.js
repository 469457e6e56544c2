/* Colours of the map: classes, or the ramp of a number, whose range the user sets. */

const SOURCES = { classes: "Classes", file: "From the file", diagnosis: "From the diagnosis" };
const RAMPS = {
  signed: ["#a50026", "#e0603c", "#d3b06c", "#b4b4a6", "#7fb1c6", "#4575b4", "#2b2f8f"],
  positive: ["#a9adb0", "#cfae4e", "#e07b1a", "#c2295b", "#7b2a9c"],
  confidence: ["#f0a63a", "#d8576b", "#8f2fa3", "#4a4ad6"],
  category: ["#0072b2", "#d55e00", "#8a6d00"],
  date: ["#2b6cb0", "#2aa198", "#b9a30a", "#e07b1a", "#b3202c"],
};
const RAMPS_DARK = {
  signed: ["#ff5a4d", "#e8845a", "#c4a678", "#85878a", "#7fb1c6", "#5b9bea", "#8f8bff"],
  positive: ["#6b7278", "#b3994f", "#e58a2e", "#ee5480", "#c77bf0"],
  category: ["#56b4e9", "#e8702a", "#d0b040"],
};
const BAR = 140; // pixels of the ramp

/** 256 colours for the painter: by group, or along a ramp of which 0 stands for a missing value. */
function rampColours(mode) {
  const ramp = new Uint8Array(4 * 256);
  const { kind, ramp: named } = measureOf(mode);
  const stops = (onDark() && RAMPS_DARK[named ?? kind]) || RAMPS[named ?? kind];
  for (let k = 0; k < 256; k++) {
    let [colour, alpha] = ["#808080", 60];
    if (kind === "class" && k < facts.groups.length) {
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

/** Colour of a category, which stands at a stop of the ramp. */
function categoryColour({ categories }, k) {
  const code = 1 + Math.round((254 * k) / (categories.length - 1));
  return `rgb(${rampColours(state.mode).subarray(4 * code, 4 * code + 3).join(" ")})`;
}

/** The colour bar between the two ends of its range, which can be changed; hidden for classes. */
function drawRamp(setRange) {
  const element = byId("ramp");
  const measure = measureOf(state.mode);
  element.hidden = measure.kind === "class";
  if (element.hidden) return;
  if (element.dataset.mode !== state.mode) {
    element.dataset.mode = state.mode;
    element.replaceChildren(...rampParts(measure, setRange));
  }
  if (measure.kind === "category") return element.replaceChildren(...rampParts(measure, setRange));
  const ends = endsOf(state.mode);
  const bar = byId("ramp-bar");
  const colours = rampColours(state.mode);
  const pixels = new Uint8ClampedArray(4 * BAR);
  for (let k = 0; k < BAR; k++) {
    const value = ends[0] + (k / (BAR - 1)) * (ends[1] - ends[0]);
    const code = 1 + Math.round(254 * placeOf(measure, value, ends));
    pixels.set(colours.subarray(4 * code, 4 * code + 4), 4 * k);
  }
  bar.getContext("2d").putImageData(new ImageData(pixels, BAR, 1), 0, 0);
  ["ramp-low", "ramp-high"].forEach((id, k) => {
    byId(id).value = endText(measure, ends[k]);
    byId(id).classList.remove("unknown");
  });
  byId("ramp-reset").hidden = !state.ranges[state.mode];
}

function rampParts(measure, setRange) {
  if (measure.kind === "category") {
    return [...measure.categories.map((name, k) => html("span", { class: "named" },
      html("span", { class: "swatch", style: { background: categoryColour(measure, k) } }), name)),
      html("span", { id: "ramp-unit" }, measure.origin)];
  }
  const { kind, unit, origin } = measure;
  const read = () => ["ramp-low", "ramp-high"].map((id) => numberOfEnd(measure, byId(id).value));
  const changed = (event) => {
    const ends = read();
    const fit = ends.every(Number.isFinite) && ends[0] < ends[1];
    event.target.classList.toggle("unknown", !fit);
    event.target.setCustomValidity(fit ? "" : "The first end must be below the second one.");
    event.target.reportValidity();
    if (fit) setRange(ends);
  };
  const end = (id, name) => html("input", {
    id, type: kind === "date" ? "date" : "number", step: "any", "aria-label": `${name} end of the colours`, onchange: changed,
  });
  const title = "Points beyond an end have its colour; grey points have no value.";
  return [
    end("ramp-low", "Lower"), html("canvas", { id: "ramp-bar", width: BAR, height: 1, title }), end("ramp-high", "Upper"),
    html("span", { id: "ramp-unit" }, [unit, origin].filter(Boolean).join(" · ")),
    html("button", { type: "button", class: "quiet", id: "ramp-reset", onclick: () => setRange(null) }, "Reset"),
  ];
}

function endText({ kind }, value) {
  return kind === "date" ? dateOf(dayOf(facts.diagnosis.origin) + Math.round(value)) : String(Number(value.toPrecision(6)));
}

function numberOfEnd({ kind }, text) {
  if (!text) return NaN;
  return kind === "date" ? dayOf(text) - dayOf(facts.diagnosis.origin) : Number(text);
}

/** The choice of what colours stand for, by who made the numbers. */
function drawModes(choose) {
  const select = byId("modes");
  if (!select.options.length) {
    for (const [source, label] of Object.entries(SOURCES)) {
      const options = measures.filter((one) => one.source === source)
        .map(({ key, label: text, origin }) => html("option", { value: key, title: origin ?? "" }, text));
      if (options.length) select.append(html("optgroup", { label }, ...options));
    }
    select.addEventListener("change", () => choose(select.value));
  }
  select.value = state.mode;
}

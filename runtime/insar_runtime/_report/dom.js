"use strict";
/* Small helpers: elements, numbers, colours. Text always becomes text, never markup. */

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(node.style, value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** Make an HTML element; children are nodes or text. */
function html(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Make an SVG element. */
function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function byId(id) {
  return document.getElementById(id);
}

/** The value of a CSS variable, which depends on the scheme, light or dark. */
function themed(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

let lightWanted = false;

/** Draw in light colours whatever the scheme of the screen, or no longer. */
function light(wanted) {
  lightWanted = wanted;
  document.documentElement.classList.toggle("light", wanted);
}

/** Call a function that draws, in light colours. */
function inLight(draw) {
  const before = lightWanted;
  light(true);
  try {
    return draw();
  } finally {
    light(before);
  }
}

const darkScheme = window.matchMedia("(prefers-color-scheme: dark)");

/** Whether colours must be visible on a dark page. */
function onDark() {
  return darkScheme.matches && !lightWanted;
}

/** Colour of a group of points. On a dark page the two greys are swapped, so that Stable stays faint and no class visible. */
function colourOf(group) {
  if (onDark() && (group === 0 || group === NO_CLASS)) return group ? "#c3c8cd" : "#646b72";
  return facts.colours[group];
}

function swatch(group) {
  if (group === NO_CLASS) return html("span", { class: "swatch hollow", style: { borderColor: colourOf(group) } });
  return html("span", { class: "swatch", style: { background: colourOf(group) } });
}

function count(number) {
  return number.toLocaleString("en");
}

/** A number with a true minus sign; a dash for a missing one. */
function plain(number, digits) {
  if (!Number.isFinite(number)) return "–";
  const text = digits === undefined ? String(Number(number.toPrecision(7))) : number.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

function percent(share) {
  if (share > 0 && share < 0.0005) return "< 0.1 %";
  return `${plain(100 * share, 1)} %`;
}

/** A probability, which is never quite 0 or 1. */
function chance(probability) {
  if (probability < 0.001) return "< 0.1 %";
  return probability > 0.999 ? "> 99.9 %" : percent(probability);
}

function statusText(status) {
  return status.replaceAll("_", " ");
}

/** A round step (1, 2 or 5 times a power of ten) that divides a span into at most so many parts. */
function roundStep(span, parts) {
  const raw = span / Math.max(parts, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].find((times) => times * power >= raw * 0.9999) * power;
}

/** Round numbers from one value to another. */
function roundNumbers(from, to, parts) {
  const step = roundStep(to - from, parts);
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => ({
    value: (first + i) * step,
    text: plain((first + i) * step, digits),
  }));
}

/** Draw a chart into an element at its real width, again whenever that changes; returns a function that redraws it. */
function responsive(element, draw) {
  let width;
  const again = () => {
    width = element.clientWidth;
    if (width) element.replaceChildren(draw(width));
  };
  again();
  new ResizeObserver(() => element.clientWidth !== width && again()).observe(element);
  return again;
}

/* Overlay of the map: frame, axes, scale bar, north arrow, areas, selection, rings around points. */

function drawOver(map) {
  const { view, over, state } = map;
  const context = over.getContext("2d");
  context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  context.clearRect(0, 0, over.width, over.height);
  context.font = "12px system-ui, sans-serif";
  drawAxes(map, context);
  drawScale(map, context);
  drawNorth(context);
  context.save();
  context.beginPath();
  context.rect(EDGE.left, EDGE.top, view.width, view.height);
  context.clip();
  drawAreas(map, context);
  map.outline.draw(context);
  const several = state.chosen.length > 1;
  const rings = state.chosen.map((i, k) => [i, i === state.selected ? 9 : 7, several ? LINE_COLOURS[k] : themed("--ink")]);
  for (const [i, radius, colour] of [[state.hovered, 7, themed("--ink")], ...rings]) {
    if (i >= 0 && map.points.hasPlace(i)) ring(context, map.pixelsOf(i), radius, colour);
  }
  context.restore();
}

function ring(context, [x, y], radius, ink) {
  for (const [width, colour] of [[4, themed("--card")], [2, ink]]) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    Object.assign(context, { lineWidth: width, strokeStyle: colour });
    context.stroke();
  }
}

function drawAxes(map, context) {
  const { view, unit } = map;
  const { x0, y0 } = facts.position;
  const [right, bottom] = [EDGE.left + view.width, EDGE.top + view.height];
  const [low, high] = [map.stepsAt(EDGE.left, bottom), map.stepsAt(right, EDGE.top)];
  Object.assign(context, { strokeStyle: themed("--line"), fillStyle: themed("--soft"), lineWidth: 1 });
  context.strokeRect(EDGE.left - 0.5, EDGE.top - 0.5, view.width + 1, view.height + 1);
  const marks = (axis, start, parts) => roundNumbers((start + low[axis]) / unit, (start + high[axis]) / unit, parts);
  for (const { value, text } of marks(0, x0, Math.max(3, view.width / 100))) {
    const x = EDGE.left + (value * unit - x0 - low[0]) * view.kx;
    tick(context, x, bottom, x, bottom + 5);
    const label = axisLabel(text, "E", "W");
    const half = context.measureText(label).width / 2;
    context.textAlign = "center";
    context.textBaseline = "top";
    if (x - half > 0 && x + half < right) context.fillText(label, x, bottom + 8);
  }
  const upright = EDGE.left < WIDE_LEFT;
  for (const { value, text } of marks(1, y0, Math.max(2, view.height / (upright ? 100 : 70)))) {
    const y = bottom - (value * unit - y0 - low[1]) * view.ky;
    tick(context, EDGE.left - 5, y, EDGE.left, y);
    const label = axisLabel(text, "N", "S");
    const half = upright ? context.measureText(label).width / 2 : 4;
    if (y - half < 4 || y + half > bottom) continue;
    context.save();
    context.translate(EDGE.left - 8, y);
    if (upright) context.rotate(-Math.PI / 2);
    context.textAlign = upright ? "center" : "right";
    context.textBaseline = upright ? "alphabetic" : "middle";
    context.fillText(label, 0, 0);
    context.restore();
  }
}

function axisLabel(text, positive, negative) {
  if (facts.position.kind !== "degrees") return `${text} km`;
  return `${text.replace("−", "")}° ${text.startsWith("−") ? negative : positive}`;
}

function tick(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
  context.lineTo(Math.round(x2) + 0.5, Math.round(y2) + 0.5);
  context.stroke();
}

/** Scale bar of a round length, lower left. */
function drawScale(map, context) {
  const metres = map.metresAStep / map.view.ky; // of a pixel
  const longest = metres * 120;
  const power = 10 ** Math.floor(Math.log10(longest));
  const length = power * [5, 2, 1].find((times) => times * power <= longest);
  const width = length / metres;
  const [x, y] = [EDGE.left + 14, EDGE.top + map.view.height - 16];
  const text = length >= 1000 ? `${count(length / 1000)} km` : `${count(Number(length.toPrecision(2)))} m`;
  Object.assign(context, { fillStyle: themed("--map"), globalAlpha: 0.82 });
  context.fillRect(x - 8, y - 22, Math.max(width, context.measureText(text).width) + 16, 32);
  Object.assign(context, { globalAlpha: 1, fillStyle: themed("--ink"), strokeStyle: themed("--ink"), lineWidth: 1.5 });
  context.beginPath();
  context.moveTo(x, y - 5);
  context.lineTo(x, y);
  context.lineTo(x + width, y);
  context.lineTo(x + width, y - 5);
  context.stroke();
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  context.fillText(text, x, y - 8);
}

/** Arrow to the north, upper left: the map has north above. */
function drawNorth(context) {
  const [x, y] = [EDGE.left + 22, EDGE.top + 12];
  Object.assign(context, { fillStyle: themed("--map"), globalAlpha: 0.82 });
  context.fillRect(x - 13, y - 5, 26, 44);
  Object.assign(context, { globalAlpha: 1, fillStyle: themed("--ink") });
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + 6, y + 19);
  context.lineTo(x, y + 15);
  context.lineTo(x - 6, y + 19);
  context.fill();
  context.textAlign = "center";
  context.textBaseline = "top";
  context.fillText("N", x, y + 23);
}

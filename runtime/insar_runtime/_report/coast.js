/* The coast below the points: thin lines, from the grid of the page's coastline. */

/** Lines of the coast in steps of the map, each with the box around it; none if the page has no coast. */
function coastLines(points) {
  if (!facts.coast) return [];
  const { scale, corner } = facts.coast;
  const { steps, x0, y0 } = facts.position;
  let from = 0;
  return Array.from(points.coastLengths, (length) => {
    const places = Float64Array.from(points.coast.subarray(2 * from, 2 * (from + length)), (value, at) =>
      (corner[at % 2] + value * scale[at % 2]) * steps - (at % 2 ? y0 : x0));
    from += length;
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    places.forEach((value, at) => {
      box[at % 2] = Math.min(box[at % 2], value);
      box[2 + (at % 2)] = Math.max(box[2 + (at % 2)], value);
    });
    return { places, box };
  });
}

function drawCoast({ under, view, coast }) {
  const context = under.getContext("2d");
  context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  context.clearRect(0, 0, view.width, view.height);
  if (!coast.length) return;
  const { x, y, kx, ky, width, height } = view;
  const [left, right, low, high] = [x - width / 2 / kx, x + width / 2 / kx, y - height / 2 / ky, y + height / 2 / ky];
  context.beginPath();
  for (const { places, box } of coast) {
    if (box[2] < left || box[0] > right || box[3] < low || box[1] > high) continue;
    for (let at = 0; at < places.length; at += 2) {
      const [px, py] = [(places[at] - left) * kx, (high - places[at + 1]) * ky];
      if (at) context.lineTo(px, py);
      else context.moveTo(px, py);
    }
  }
  Object.assign(context, { lineWidth: 1.2, lineJoin: "round", strokeStyle: themed("--coast") });
  context.stroke();
}

/* The map: its view, movements, and the point under the pointer. The painters draw the points. */

const EDGE = { left: 78, bottom: 26, top: 1, right: 1 };
const WIDE_LEFT = EDGE.left;
const NARROW = { screen: 620, left: 22, least: 240, most: 0.62 }; // of a phone, whose labels stand upright; heights of the map
const METRES_A_DEGREE = 111320;
const REACH = 9; // most pixels from the pointer to the point that is meant
const CALM_MS = 160; // without movement, until all points are painted again
const FRAME_MS = 33; // between two frames, at most, while the map moves

/** Spatial index of the points: a grid of cells. */
class Grid {
  constructor(points, box) {
    this.points = points;
    this.box = box;
    this.side = Math.min(1024, Math.max(1, Math.ceil(Math.sqrt(points.count / 3))));
    this.cell = Math.max(box.width, box.height, 1) / this.side;
    const cells = new Uint32Array(points.count);
    const sizes = new Uint32Array(this.side * this.side);
    for (let i = 0; i < points.count; i++) {
      if (points.hasPlace(i)) sizes[(cells[i] = this.cellOf(points.x[i], points.y[i]))]++;
    }
    this.starts = runningSum(sizes);
    const next = this.starts.slice();
    this.members = new Uint32Array(this.starts[sizes.length]);
    for (let i = 0; i < points.count; i++) if (points.hasPlace(i)) this.members[next[cells[i]]++] = i;
  }

  column(value) {
    return Math.min(this.side - 1, Math.max(0, Math.floor(value / this.cell)));
  }

  cellOf(x, y) {
    return this.column(y) * this.side + this.column(x);
  }

  /** The nearest point within a reach in steps, among the wanted ones; of equal ones the one that lies above. */
  nearest(x, y, reachX, reachY, wanted, height) {
    let best = -1;
    let least = 1;
    for (let row = this.column(y - reachY); row <= this.column(y + reachY); row++) {
      const first = row * this.side;
      const end = this.starts[first + this.column(x + reachX) + 1];
      for (let k = this.starts[first + this.column(x - reachX)]; k < end; k++) {
        const i = this.members[k];
        const distance = ((this.points.x[i] - x) / reachX) ** 2 + ((this.points.y[i] - y) / reachY) ** 2;
        if (distance > least || !wanted(i)) continue;
        if (best < 0 || distance < least || height(i) >= height(best)) [best, least] = [i, distance];
      }
    }
    return best;
  }
}

class PointMap {
  /** state: what is visible, hovered and selected; actions: hover(i, x, y), select(i). */
  constructor(points, state, actions) {
    Object.assign(this, { points, state, actions, canvas: byId("points"), over: byId("over"), under: byId("under") });
    this.box = extent(points);
    const degrees = facts.position.kind === "degrees";
    this.unit = facts.position.steps * (degrees ? 1 : 1000); // steps a unit of the axes: a degree, or a kilometre
    const middle = (facts.position.y0 + this.box.height / 2) / facts.position.steps;
    // Equirectangular: a degree of longitude is as long as it is in the middle of the map.
    this.aspect = degrees ? Math.max(0.05, Math.cos((middle * Math.PI) / 180)) : 1;
    this.metresAStep = (degrees ? METRES_A_DEGREE : 1) / facts.position.steps;
    this.grid = new Grid(points, this.box);
    this.coast = coastLines(points);
    this.areas = areasOf(points);
    this.order = shuffledWithin(points.ranges, points.count);
    this.layers = inLayers(points.ranges);
    this.drawing = { order: this.order, ranges: this.layers };
    this.painter = glPainter(this.canvas, points) ?? pixelPainter(this.canvas, points);
    this.outline = new Outline(this);
    this.view = { x: 0, y: 0, kx: 1, ky: 1, width: 1, height: 1, ratio: 1 };
    this.untouched = true; // the map still shows all points
    this.moving = false;
    this.movingPart = 1;
    this.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    this.canvas.addEventListener("webglcontextrestored", () => {
      this.painter = glPainter(this.canvas, points);
      this.recolour(this.values, this.ramp, this.bands);
    });
    new ResizeObserver(() => this.resize()).observe(byId("map"));
    this.resize();
    listen(this);
  }

  resize() {
    if (!this.canvas.isConnected) return; // another report has taken the place of this one
    this.fitFrame();
    const { clientWidth, clientHeight } = byId("map");
    if (!clientWidth) return; // a picture has, while the page is printed
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const width = Math.max(1, clientWidth - EDGE.left - EDGE.right);
    const height = Math.max(1, clientHeight - EDGE.top - EDGE.bottom);
    for (const [canvas, w, h] of [[this.under, width, height], [this.canvas, width, height],
      [this.over, clientWidth, clientHeight]]) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
      Object.assign(canvas.style, { width: `${w}px`, height: `${h}px` });
    }
    for (const canvas of [this.under, this.canvas]) Object.assign(canvas.style, { left: `${EDGE.left}px`, top: `${EDGE.top}px` });
    Object.assign(this.view, { width, height, ratio });
    if (this.untouched) this.showAll();
    else this.request();
  }

  /** On a phone, make the map as high as its points need. */
  fitFrame() {
    const frame = byId("map");
    const narrow = window.innerWidth <= NARROW.screen;
    EDGE.left = narrow ? NARROW.left : WIDE_LEFT;
    const shape = (this.box.height + 1) / (this.box.width * this.aspect + 1);
    const needed = (frame.clientWidth - EDGE.left) * shape + EDGE.bottom;
    const most = Math.max(NARROW.least, NARROW.most * window.innerHeight);
    frame.style.height = narrow ? `${Math.round(Math.min(Math.max(needed, NARROW.least), most))}px` : "";
  }

  showAll() {
    const { width, height } = this.box;
    const least = 200 / this.metresAStep; // a single point is shown in its surroundings
    const wide = this.view.width / Math.max(width * this.aspect, least);
    const high = this.view.height / Math.max(height, least);
    const ky = Math.min(wide, high) / 1.06;
    this.home = ky;
    this.look(width / 2, height / 2, ky);
    this.untouched = true;
  }

  look(x, y, ky) {
    const limited = Math.min(Math.max(ky, this.home * 0.5), Math.max(8 * this.metresAStep, this.home * 4));
    Object.assign(this.view, { x, y, ky: limited, kx: limited * this.aspect });
    this.untouched = false;
    this.request();
  }

  /** Zoom by a factor, around a place of the canvas. */
  zoom(factor, px = EDGE.left + this.view.width / 2, py = EDGE.top + this.view.height / 2) {
    const before = this.stepsAt(px, py);
    this.look(this.view.x, this.view.y, this.view.ky * factor);
    const after = this.stepsAt(px, py);
    this.look(this.view.x + before[0] - after[0], this.view.y + before[1] - after[1], this.view.ky);
    this.moved();
  }

  pan(dx, dy) {
    this.look(this.view.x - dx / this.view.kx, this.view.y + dy / this.view.ky, this.view.ky);
    this.moved();
  }

  /** Bring a point into view without changing the zoom, if it is not there. */
  reveal(i) {
    const [px, py] = this.pixelsOf(i);
    const { width, height, ky } = this.view;
    const seen = px > EDGE.left + 8 && px < EDGE.left + width - 8 && py > 8 && py < height - 8;
    if (seen) this.request();
    else this.look(this.points.x[i], this.points.y[i], ky);
  }

  stepsAt(px, py) {
    const { x, y, kx, ky, width, height } = this.view;
    return [x + (px - EDGE.left - width / 2) / kx, y - (py - EDGE.top - height / 2) / ky];
  }

  pixelsOf(i) {
    return this.pixelsAt(this.points.x[i], this.points.y[i]);
  }

  pixelsAt(stepX, stepY) {
    const { x, y, kx, ky, width, height } = this.view;
    return [EDGE.left + width / 2 + (stepX - x) * kx, EDGE.top + height / 2 - (stepY - y) * ky];
  }

  /** The point at a place of the canvas, -1 if there is none. */
  pick(px, py, reach = REACH) {
    const [x, y] = this.stepsAt(px, py);
    const wanted = (i) => this.state.visible[this.points.group[i]];
    const layer = facts.groups.map((_, group) => this.layers.findIndex((one) => one.group === group));
    const height = (i) => (this.bands ? 16 * this.bands[this.values[i]] : 0) + layer[this.points.group[i]];
    return this.grid.nearest(x, y, reach / this.view.kx, reach / this.view.ky, wanted, height);
  }

  /** Show an area with its surroundings. */
  showArea({ rings, box }) {
    if (!rings.length) return;
    const [wide, high] = box.map(([low, most]) => Math.max(most - low, 100 / this.metresAStep));
    const ky = Math.min(this.view.width / (wide * this.aspect), this.view.height / high) / AREA_MARGIN;
    this.look((box[0][0] + box[0][1]) / 2, (box[1][0] + box[1][1]) / 2, ky);
  }

  /** What a click at a place of the canvas means: a point, or an area whose outline is near or that is around it. */
  meant(px, py) {
    const line = areaAt(this, px, py, 5);
    const point = this.pick(px, py, line < 0 ? REACH : 4);
    if (point >= 0) return { point, area: -1 };
    return { point, area: line < 0 ? areaAt(this, px, py, 0) : line };
  }

  /** Colour the points; bands: of each value, for the order of drawing, null for that of the classes. */
  recolour(values, ramp, bands = this.bands) {
    const sorted = values === this.values && bands === this.bands;
    if (!sorted) this.drawing = bands ? banded(this.order, this.layers, values, bands) : { order: this.order, ranges: this.layers };
    Object.assign(this, { values, ramp, bands });
    this.painter.colour(values, ramp, this.drawing.order);
    this.request();
  }

  /** Paint fewer points while the map moves if all of them would take too long, and all when it is still. */
  moved() {
    clearTimeout(this.calm);
    this.calm = setTimeout(() => {
      this.moving = false;
      this.request();
    }, CALM_MS);
    this.moving = true;
    this.request();
  }

  request() {
    this.pending ??= requestAnimationFrame((now) => {
      this.pending = undefined;
      if (this.moving) this.keepPace(now);
      this.draw();
    });
  }

  /** Adapt the part that is painted to the time between two frames of one movement. */
  keepPace(now) {
    const apart = now - this.lastFrame;
    this.lastFrame = now;
    if (!(apart < 10 * FRAME_MS)) return; // the first frame of a movement
    const change = apart > 1.3 * FRAME_MS ? 0.8 : 1.1;
    this.movingPart = Math.min(1, Math.max(0.03, this.movingPart * change));
  }

  draw() {
    drawCoast(this);
    drawFills(this);
    const ranges = this.drawing.ranges.filter(({ group }) => this.state.visible[group]);
    const size = this.pointSize(ranges);
    this.painter.paint(this.view, ranges, this.moving ? this.movingPart : 1, size);
    if (this.fullMs === undefined) {
      // The first frame includes preparation; the second one measures the time.
      this.painter.finish();
      const again = performance.now();
      this.painter.paint(this.view, ranges, 1, size);
      this.painter.finish();
      this.fullMs = performance.now() - again;
      this.movingPart = Math.min(1, (0.6 * FRAME_MS) / this.fullMs);
    }
    drawOver(this);
  }

  /** Diameter in pixels: smaller for many points, larger when zoomed in. */
  pointSize(ranges) {
    const shown = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    const apart = Math.sqrt((this.view.width * this.view.height) / Math.max(shown, 1));
    const atHome = Math.min(5.5, Math.max(1.8, apart * 0.5));
    return Math.min(12, atHome * Math.max(1, this.view.ky / this.home) ** 0.4);
  }
}

/** Ranges of the groups, the lowest first: points without a class, Stable, and then the rarer a class the higher. */
function inLayers(ranges) {
  const low = ({ group }) => (group === NO_CLASS ? 2 : group === 0 ? 1 : 0);
  return [...ranges].sort((a, b) => low(b) - low(a) || b.end - b.start - (a.end - a.start));
}

function extent(points) {
  let [width, height] = [0, 0];
  for (let i = 0; i < points.count; i++) {
    if (!points.hasPlace(i)) continue;
    width = Math.max(width, points.x[i]);
    height = Math.max(height, points.y[i]);
  }
  return { width, height };
}

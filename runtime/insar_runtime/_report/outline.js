/* Drawing of a selection on the map: a polygon, corner by corner. */

const CLOSE = 9; // pixels from a corner within which a click means it
const DOUBLE_MS = 700; // within which a double click still belongs to the click that closed the selection

class Outline {
  constructor(map) {
    Object.assign(this, { map, corners: [], open: false, pointer: null, closedAt: -DOUBLE_MS });
    byId("outline").addEventListener("click", () => (this.open ? this.cancel() : this.begin()));
    byId("outline-close").addEventListener("click", () => this.close());
    byId("outline-cancel").addEventListener("click", () => this.cancel());
  }

  /** Whether a click or a double click belongs to the drawing. */
  get busy() {
    return this.open || performance.now() - this.closedAt < DOUBLE_MS;
  }

  begin() {
    Object.assign(this, { corners: [], open: true, pointer: null });
    this.map.actions.area(null);
    this.map.over.focus({ preventScroll: true });
    this.show("Click the corners of a selection. Double click or Enter closes it, Escape cancels.");
  }

  add(px, py) {
    const near = (corner) => corner && Math.hypot(...this.map.pixelsAt(...corner).map((at, k) => at - [px, py][k])) < CLOSE;
    const again = near(this.corners.at(-1));
    if (again || (this.corners.length > 2 && near(this.corners[0]))) return this.close();
    this.corners.push(this.map.stepsAt(px, py));
    this.map.request();
  }

  move(px, py) {
    this.pointer = [px, py];
    this.map.request();
  }

  close() {
    if (this.corners.length < 3) return this.show("A selection needs at least three corners. Escape cancels.");
    this.end();
    this.map.actions.area(this.corners);
  }

  cancel() {
    this.corners = [];
    this.end();
  }

  /** Remove the selection. */
  clear() {
    this.corners = [];
    this.map.request();
  }

  end() {
    Object.assign(this, { open: false, closedAt: performance.now() });
    this.show(null);
  }

  show(text) {
    byId("outline-hint").hidden = !this.open;
    byId("outline").setAttribute("aria-pressed", this.open);
    if (text) byId("outline-text").textContent = text;
    this.map.request();
  }

  draw(context) {
    const places = this.corners.map((corner) => this.map.pixelsAt(...corner));
    if (!places.length) return;
    context.beginPath();
    const path = this.open && this.pointer ? [...places, this.pointer] : places;
    path.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
    if (!this.open) context.closePath();
    Object.assign(context, { fillStyle: themed("--accent"), globalAlpha: 0.1 });
    context.fill();
    context.globalAlpha = 1;
    for (const [lineWidth, strokeStyle] of [[3.5, themed("--card")], [1.8, themed("--accent")]]) {
      Object.assign(context, { lineWidth, strokeStyle });
      context.stroke();
    }
    if (!this.open) return;
    Object.assign(context, { fillStyle: themed("--accent") });
    for (const [x, y] of places) context.fillRect(x - 3, y - 3, 6, 6);
  }
}

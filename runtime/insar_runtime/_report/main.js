/* State of the page, its changes, and what is redrawn after them. */

const state = { visible: facts.groups.map(() => true), mode: "class", hovered: -1, selected: -1, ranges: {}, area: null };

async function start() {
  const points = await Points.load();
  measures = findMeasures(points);
  drawTexts();
  byId("wait").remove();
  const main = document.querySelector("main");
  main.hidden = false;
  let map = null;
  const confidence = responsive(byId("confidence"), (width) => drawConfidence(width, state));
  const velocity = facts.counts.velocity && responsive(byId("velocity"), (width) => drawVelocity(width, state));
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
    velocity?.();
    drawArea(points, state.area, state.visible, () => area(null));
    map?.request();
  };
  const recolour = () => {
    drawModes(choose);
    drawRamp(setRange);
    map?.recolour(pointValues(points, state.mode), rampColours(state.mode), bandsOf(state.mode));
  };
  const choose = (mode) => {
    state.mode = mode;
    recolour();
  };
  /** Set the range of the colours, or go back to that of the points. */
  const setRange = (ends) => {
    if (ends) state.ranges[state.mode] = ends;
    else delete state.ranges[state.mode];
    recolour();
  };
  /** Show what is in an area, or no area. */
  const area = (corners) => {
    state.area = corners;
    if (!corners) map.outline.clear();
    drawArea(points, corners, state.visible, () => area(null));
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

  if (facts.position) map = new PointMap(points, state, { hover, select, area });
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
    if (!main.isConnected) return; // another report has taken the place of this one
    redraw();
    recolour();
    drawPoint(points, state.selected);
  });
  redraw();
  recolour();
  select(-1);
  // For tests: the state of the page, read-only.
  window.report = Object.freeze({
    facts, points, map,
    get state() {
      const shown = points.ranges.filter(({ group }) => state.visible[group]);
      const pointsShown = shown.reduce((sum, { start, end }) => sum + end - start, 0);
      return { ...state, visible: [...state.visible], shown: pointsShown };
    },
  });
}

start().catch((error) => {
  byId("wait").textContent = `This browser cannot show the page: ${error.message}`;
  throw error;
});

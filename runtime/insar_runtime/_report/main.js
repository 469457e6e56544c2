/* State of the page, its changes, and what is redrawn after them. */

const state = {
  visible: facts.groups.map(() => true), mode: "class", ranges: {}, area: null, hovered: -1, selected: -1, chosen: [],
  adding: false, place: -1, outlines: true, sorted: { key: "id", down: false }, allAreas: false,
};

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
    areaList();
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
  const areaList = () => drawAreaList(map?.areas ?? [], state, { place, sortAreas });
  const sortAreas = (key) => {
    state.sorted = { key, down: state.sorted.key === key && !state.sorted.down };
    areaList();
  };
  const placePanel = () => drawPlace(points, map?.areas[state.place], state, () => leave(), () => select(-1));
  /** Show a moving area, its mean series, and what is around it on the map. */
  const place = (k) => {
    state.place = k;
    state.outlines = true;
    select(-1);
    areaList();
    map.showArea(map.areas[k]);
  };
  const leave = () => {
    state.place = -1;
    select(state.selected);
    areaList();
  };
  const hover = (i, x, y, k = -1) => {
    drawTip(points, i, x, y, map.areas[k]);
    map.over.style.cursor = k >= 0 ? "pointer" : "";
    if (i !== state.hovered) {
      state.hovered = i;
      map.request();
    }
  };
  const panel = () => {
    placePanel();
    drawPoint(points, state, { select, remove, toggleAdding });
  };
  /** Show a point, alone or beside those that are in the plot already; it stays there if it is one of them. */
  const select = (i, reveal = false, add = false) => {
    if (add && i < 0) return;
    if (add && !state.chosen.includes(i)) state.chosen = [...state.chosen, i].slice(-MOST_CHOSEN);
    else if (!state.chosen.includes(i)) state.chosen = i < 0 ? [] : [i];
    state.selected = i;
    if (i < 0) state.adding = false;
    panel();
    writeAddress(state.chosen.filter((k) => k !== i).concat(i < 0 ? [] : [i]).map((k) => points.id(k)), map?.areas[state.place]?.id);
    if (reveal && map && points.hasPlace(i)) map.reveal(i);
    else map?.request();
  };
  const pick = (i, reveal, add) => {
    if (i < 0 && state.selected < 0 && state.place >= 0) return leave();
    return choosePoint(i, reveal, add);
  };
  const choosePoint = (i, reveal, add) => select(i, reveal, add || (state.adding && i >= 0));
  const remove = (i) => {
    state.chosen = state.chosen.filter((k) => k !== i);
    select(state.chosen.includes(state.selected) ? state.selected : state.chosen.at(-1) ?? -1);
  };
  const toggleAdding = () => {
    state.adding = !state.adding;
    panel();
  };
  /** Choose the points that the address of the page names. */
  const followAddress = () => {
    const ids = idsOfAddress();
    const known = ids.map((id) => points.find(id)).filter((i) => i >= 0);
    const named = areaOfAddress();
    const k = map?.areas.findIndex(({ id }) => id === named) ?? -1;
    if (k >= 0 && k !== state.place) place(k);
    if (named !== null && k < 0 && !ids.length) return showMissing(named, "area");
    if (!known.length && ids.length) return showMissing(ids[0]);
    if (!known.length) return k >= 0 || select(-1);
    state.chosen = known.slice(-MOST_CHOSEN);
    select(known.at(-1), true);
  };
  const stepBy = (by) => {
    let i = state.selected < 0 && by < 0 ? 0 : state.selected;
    for (let tries = 0; tries < points.count; tries++) {
      i = (i + by + points.count) % points.count;
      if (state.visible[points.group[i]]) return select(i, true);
    }
  };

  if (facts.position) map = new PointMap(points, state, { hover, select: pick, area, place });
  else byId("map-card").hidden = true;
  byId("all-classes").addEventListener("click", () => show(facts.groups.map(() => true)));
  byId("all-areas").addEventListener("click", () => {
    state.allAreas = true;
    areaList();
  });
  byId("outlines").addEventListener("change", (event) => {
    state.outlines = event.target.checked;
    map.request();
  });
  byId("previous").addEventListener("click", () => stepBy(-1));
  byId("next").addEventListener("click", () => stepBy(1));
  listenToFind(points, (i) => pick(i, true));
  const redrawAll = () => {
    redraw();
    recolour();
    panel();
  };
  listenToPrint(main, () => map, redrawAll);
  window.addEventListener("hashchange", () => main.isConnected && followAddress());
  darkScheme.addEventListener("change", () => {
    if (!main.isConnected) return; // another report has taken the place of this one
    redrawAll();
  });
  redraw();
  recolour();
  followAddress();
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

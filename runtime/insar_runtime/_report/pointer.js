/* Input of the map: mouse, touch, keys, buttons. */

/** Pointer, wheel and keys of a map: drag, pinch, wheel, double click, arrows, +, -, 0, Enter, Escape. */
function listen(map) {
  const { over } = map;
  const down = new Map();
  let travelled = 0;
  const at = (event) => {
    const box = over.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  over.addEventListener("pointerdown", (event) => {
    over.setPointerCapture(event.pointerId);
    if (!down.size) travelled = 0;
    down.set(event.pointerId, at(event));
  });
  over.addEventListener("pointermove", (event) => {
    const [x, y] = at(event);
    const before = down.get(event.pointerId);
    if (!before && map.outline.open) return map.outline.move(x, y);
    if (!before) {
      const { point, area } = map.meant(x, y);
      return map.actions.hover(point, x, y, area);
    }
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    travelled += Math.hypot(x - before[0], y - before[1]);
    down.set(event.pointerId, [x, y]);
    if (travelled < 4) return;
    over.classList.add("dragged");
    map.actions.hover(-1);
    if (!other) return map.pan(x - before[0], y - before[1]);
    const apart = ([px, py]) => Math.max(1, Math.hypot(px - other[0], py - other[1]));
    map.pan((x - before[0]) / 2, (y - before[1]) / 2);
    map.zoom(apart([x, y]) / apart(before), (x + other[0]) / 2, (y + other[1]) / 2);
  });
  const released = (event) => {
    const [x, y] = at(event);
    if (down.delete(event.pointerId) && !down.size) {
      over.classList.remove("dragged");
      if (event.type !== "pointerup" || travelled >= 4) return;
      if (map.outline.open) map.outline.add(x, y);
      else {
        const { point, area } = map.meant(x, y);
        if (area >= 0) map.actions.place(area);
        else map.actions.select(point, false, event.shiftKey);
      }
    }
  };
  over.addEventListener("pointerup", released);
  over.addEventListener("pointercancel", released);
  over.addEventListener("pointerleave", () => map.actions.hover(-1));
  over.addEventListener("dblclick", (event) => map.outline.busy || map.zoom(2, ...at(event)));
  over.addEventListener("wheel", (event) => {
    event.preventDefault();
    map.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.03 : 0.0016)), ...at(event));
  }, { passive: false });
  const step = 60;
  const keys = {
    ArrowLeft: () => map.pan(step, 0), ArrowRight: () => map.pan(-step, 0),
    ArrowUp: () => map.pan(0, step), ArrowDown: () => map.pan(0, -step),
    "+": () => map.zoom(1.5), "=": () => map.zoom(1.5), "-": () => map.zoom(1 / 1.5),
    0: () => map.showAll(), Home: () => map.showAll(), Escape: () => (map.outline.open ? map.outline.cancel() : map.actions.select(-1)),
    Enter: () => (map.outline.open ? map.outline.close() : chooseMiddle()),
  };
  const chooseMiddle = () => map.actions.select(map.pick(EDGE.left + map.view.width / 2, EDGE.top + map.view.height / 2, 300));
  over.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  byId("zoom-in").addEventListener("click", () => map.zoom(1.6));
  byId("zoom-out").addEventListener("click", () => map.zoom(1 / 1.6));
  byId("zoom-all").addEventListener("click", () => map.showAll());
}

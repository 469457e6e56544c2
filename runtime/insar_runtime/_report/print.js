/* Printing: light colours, one column as wide as the paper, and the map as a picture. */

const PRINT_SCALE = 3; // pixels of the printed map for each one of the screen

/** The map as it stands, all canvases on top of each other, at more pixels than the screen has. */
function printMap(map, picture) {
  const frame = byId("map");
  const [width, height] = [frame.clientWidth, frame.clientHeight];
  const canvases = [...frame.querySelectorAll("canvas")];
  for (const canvas of canvases) {
    canvas.width = Math.round(parseFloat(canvas.style.width) * PRINT_SCALE);
    canvas.height = Math.round(parseFloat(canvas.style.height) * PRINT_SCALE);
  }
  map.view.ratio = PRINT_SCALE;
  map.moving = false;
  map.recolour(map.values, rampColours(map.state.mode));
  map.draw();
  Object.assign(picture, { width: width * PRINT_SCALE, height: height * PRINT_SCALE });
  const context = picture.getContext("2d");
  // WebGL keeps its pixels only until the end of this task.
  for (const canvas of canvases) {
    context.drawImage(canvas, canvas.offsetLeft * PRINT_SCALE, canvas.offsetTop * PRINT_SCALE);
  }
}

/** Prepare the page before it is printed, and put it back afterwards. */
function listenToPrint(main, getMap, redraw) {
  const folds = () => [...main.querySelectorAll("details:not([open])")];
  let opened = [];
  window.addEventListener("beforeprint", () => {
    if (!main.isConnected) return; // another report has taken the place of this one
    const map = getMap();
    light(true);
    if (map) printMap(map, byId("map-print"));
    document.documentElement.classList.add("printing");
    redraw();
    opened = folds(); // after the panel has been drawn anew, with its attributes folded
    for (const fold of opened) fold.open = true;
  });
  window.addEventListener("afterprint", () => {
    if (!main.isConnected) return;
    light(false);
    document.documentElement.classList.remove("printing");
    for (const fold of opened) fold.open = false;
    byId("map-print").width = 0;
    getMap()?.resize();
    redraw();
  });
}

/* Downloads of the series that are shown: as a table, and their plot as drawing or picture. */

const PICTURE = { width: 900, plot: 320, margin: 14, scale: 2 }; // pixels of the drawing; scale: those of the picture
const COPIED = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "opacity", "font-size", "font-weight"];

/** Save bytes or text as a file of the user. */
function save(name, blob) {
  const link = html("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/** Name of a file from ids; what a file system does not take is replaced. */
function fileName(lines, ending) {
  const names = lines.map(({ id }) => id.replace(/[^\w.-]+/g, "_"));
  return `${names.join("_").slice(0, 80)}.${ending}`;
}

/** A cell of text; one that a spreadsheet would take for a formula gets an apostrophe in front. */
function tableCell(text) {
  const safe = /^[=+@\t\r-]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Dates and displacements in mm as CSV, a column a point; of a point with repaired jumps also the series without them. */
function seriesTable(lines) {
  const columns = lines.flatMap(({ id, values, story }) => {
    const shown = correctedOf(epochDays, values, story);
    return [[`${id} mm`, values], ...(shown === values ? [] : [[`${id} mm without repaired jumps`, shown]])];
  });
  const number = (value) => (Number.isFinite(value) ? String(Number(value.toFixed(2))) : "");
  const rows = facts.dates.map((date, k) => [date, ...columns.map(([, values]) => number(values[k]))]);
  return [["date", ...columns.map(([name]) => tableCell(name))], ...rows].map((row) => `${row.join(",")}\n`).join("");
}

/** The plot as an SVG of its own: light, with title and legend, and without any style sheet. */
function plotDrawing(lines) {
  return inLight(() => {
    const { width, plot, margin } = PICTURE;
    const drawn = drawLines(width - 2 * margin, lines, plot);
    const legend = legendOf(lines);
    const height = plot + 44 + 20 * legend.length;
    const page = svg("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}`, "font-family": "system-ui, sans-serif" });
    page.append(svg("rect", { width, height, fill: "#ffffff" }), svg("text", { class: "strong", x: margin, y: 26 }, facts.title),
      svg("g", { transform: `translate(${margin} 34)` }, ...drawn.childNodes));
    legend.forEach(({ mark, text }, k) => {
      const y = plot + 46 + 20 * k;
      page.append(mark(62, y - 4), svg("text", { x: 92, y }, text));
    });
    document.body.append(page);
    const all = [page, ...page.querySelectorAll("*")];
    for (const one of all) {
      const style = getComputedStyle(one);
      for (const name of COPIED) if (one !== page) one.setAttribute(name, style.getPropertyValue(name));
      one.removeAttribute("style");
    }
    page.remove();
    for (const one of all) one.removeAttribute("class");
    return new XMLSerializer().serializeToString(page);
  });
}

/** What each line of a plot is: of several a name each, of one also its trend, break and jumps. */
function legendOf(lines) {
  const line = (colour, dash = "none") => (x, y) =>
    svg("line", { x1: x, x2: x + 22, y1: y, y2: y, stroke: colour, "stroke-width": 2, "stroke-dasharray": dash });
  const dot = (colour) => (x, y) => svg("circle", { cx: x + 11, cy: y, r: 3, fill: colour });
  const named = lines.map(({ id, name, colour }) => ({ mark: dot(colour), text: `${facts.idName ?? "row"} ${id}: ${name}` }));
  if (lines.length > 1) return named;
  const looks = {
    trend: line(themed("--ink")), break: line(themed("--break")), jump: line(themed("--jump")),
    "jump left": line(themed("--jump"), "4 3"), moved: dot(themed("--soft")),
  };
  return [...named, ...keyEntries(lines[0].story).map(([kind, text]) => ({ mark: looks[kind], text }))];
}

/** The plot as a picture (PNG). */
async function plotPicture(lines) {
  const drawing = plotDrawing(lines);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(drawing)}`;
  await image.decode();
  const { scale } = PICTURE;
  const canvas = html("canvas", { width: image.width * scale, height: image.height * scale });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

/** Buttons that save the series shown. */
function downloads(lines) {
  const button = (id, text, title, onclick) => html("button", { type: "button", class: "quiet", id, title, onclick }, text);
  return [
    button("save-csv", "CSV", "Save the series as a table: dates, and displacements in mm", () =>
      save(fileName(lines, "csv"), new Blob([seriesTable(lines)], { type: "text/csv" }))),
    button("save-png", "PNG", "Save the plot as a picture", async () => save(fileName(lines, "png"), await plotPicture(lines))),
    button("save-svg", "SVG", "Save the plot as a drawing", () =>
      save(fileName(lines, "svg"), new Blob([plotDrawing(lines)], { type: "image/svg+xml" }))),
  ];
}

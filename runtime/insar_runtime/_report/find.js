/* Points found by a part of their id: a list of some of them, and a button for the next one. */

const MOST_HITS = 8; // in the list

/** Connect the field with the points; select(i) shows one. */
function listenToFind(points, select) {
  const field = byId("find-id");
  let hits = [];
  let place = -1;
  let searched = "";
  const draw = () => {
    const text = field.value.trim();
    byId("hits").hidden = !text;
    field.classList.toggle("unknown", !!text && !hits.length);
    if (text) byId("hits").replaceChildren(...hitList(points, text, hits, place, go));
  };
  const go = (k) => {
    place = k;
    select(hits[k]);
    draw();
  };
  const search = () => {
    searched = field.value.trim();
    [hits, place] = [searched ? points.findAll(searched) : [], -1];
    draw();
  };
  field.addEventListener("input", search);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    field.value = "";
    search();
  });
  byId("find").addEventListener("submit", (event) => {
    event.preventDefault();
    if (field.value.trim() !== searched) search();
    if (hits.length) go((place + 1) % hits.length);
  });
}

/** Say that the address of the page names a point or an area that is not there. */
function showMissing(id, kind = "point") {
  byId("point").replaceChildren(html("p", { class: "hint" }, `The address names the ${kind} “${id}”, which this page does not hold.`));
}

function hitList(points, text, hits, place, go) {
  const sample = facts.points < facts.counts.rows
    ? ` of the ${count(facts.points)} of ${count(facts.counts.rows)} points that this page holds` : "";
  if (!hits.length) return [html("p", {}, `No id${sample} contains “${text}”.`)];
  const [first, many] = [Math.max(0, Math.min(place - 3, hits.length - MOST_HITS)), hits.length > 1];
  const number = place >= 0 ? `${count(place + 1)} of ${count(hits.length)}` : count(hits.length);
  const head = html("p", {}, `${number} ${hits.length === 1 ? "point" : "points"}`,
    many ? html("button", { type: "button", class: "quiet", id: "next-hit", onclick: () => go((place + 1) % hits.length) },
      place < 0 ? "Show the first" : "Next") : "");
  const items = hits.slice(first, first + MOST_HITS).map((i, k) => {
    const chosen = { "aria-pressed": first + k === place, onclick: () => go(first + k) };
    return html("button", { type: "button", class: "quiet", ...chosen }, swatch(points.group[i]), html("span", {}, points.id(i)));
  });
  return [head, html("div", { class: "hits" }, ...items)];
}

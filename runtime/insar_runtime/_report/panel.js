/* The points chosen: their series in one plot; probabilities, status and attributes of the last one. */

const MOST_CHOSEN = 6;
/** Colours of several series in one plot (Okabe and Ito, without yellow), by their places in the list. */
const LINE_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#8a6d00"];

/** Draw the panel of the points in state.chosen, with the facts of state.selected.

    actions: select(i), remove(i), toggleAdding(). */
function drawPoint(points, state, actions) {
  const panel = byId("point");
  const { selected: i, chosen } = state;
  if (i < 0) {
    const how = facts.position
      ? "Choose a point on the map, or find one by its id."
      : "Find a point by its id, or go through them with the arrows.";
    panel.replaceChildren(html("p", { class: "hint" }, how));
    return;
  }
  const group = points.group[i];
  const confidence = points.confidenceOf(i);
  const sure = Number.isFinite(confidence) && group !== NO_CLASS ? html("span", {}, chance(confidence)) : "";
  const name = html("div", { class: "name" },
    swatch(group), html("b", { id: "point-class" }, facts.groups[group]), sure,
    html("span", { id: "point-id" }, `${facts.idName ?? "row"} ${points.id(i)}`));
  const story = points.storyOf(i);
  const several = chosen.length > 1;
  const plot = html("div", { class: "plot" });
  const side = html("div", { class: "side" }, ...sideOf(points, i));
  const lines = linesOf(points, chosen);
  const key = several ? chosenList(points, state, actions) : keyOf(story);
  const tools = html("div", { class: "tools" }, addButton(state, actions), ...(lines.length ? downloads(lines) : []),
    placeLink(points, i));
  const wide = html("div", {}, plot, key, several ? "" : jumpList(story));
  panel.replaceChildren(html("div", { class: "chosen" }, name, wide, tools, side, attributesOf(points, i)));
  if (lines.length) responsive(plot, (width) => drawLines(width, linesOf(points, chosen)));
  if (!points.seriesOf(i)) plot.after(whereSeries(points.id(i)));
}

/** Series of points for a plot; those without a series in the page are left out. */
function linesOf(points, chosen) {
  const lines = chosen.map((i, k) => {
    const group = points.group[i];
    const faint = group === 0 || group === NO_CLASS;
    const colour = chosen.length > 1 ? LINE_COLOURS[k] : faint ? themed("--soft") : colourOf(group);
    return { id: points.id(i), name: facts.groups[group], values: points.seriesOf(i), story: points.storyOf(i), colour };
  });
  return lines.filter(({ values }) => values);
}

/** A switch: points chosen while it is on are added to the plot, as with the shift key. */
function addButton({ adding }, { toggleAdding }) {
  const title = `While this is on, points that you choose are added to the plot, up to ${MOST_CHOSEN}; shift and a click do the same`;
  return html("button", { type: "button", id: "add", title, "aria-pressed": adding, onclick: toggleAdding },
    adding ? "Adding points: stop" : "+ Compare");
}

/** Legend of several points: a click shows the facts of one, and × takes it away. */
function chosenList(points, { chosen, selected }, { select, remove }) {
  return html("div", { id: "chosen-list" }, ...chosen.map((i, k) => html("span", { class: "line" },
    html("i", { style: { background: LINE_COLOURS[k] } }),
    html("button", { type: "button", class: "quiet", "aria-pressed": i === selected, onclick: () => select(i) },
      `${points.id(i)} ${facts.groups[points.group[i]]}${points.seriesOf(i) ? "" : " (no series here)"}`),
    html("button", { type: "button", class: "quiet", "aria-label": `Remove ${points.id(i)}`, onclick: () => remove(i) }, "×"))));
}

/** State how to show a series that is not in the page. */
function whereSeries(id) {
  if (facts.series.trouble) return html("p", { class: "hint" }, `The series cannot be read: ${facts.series.trouble}`);
  if (!facts.series.kept) {
    return html("p", { class: "hint" }, "The file holds classes without series. With them it is made by",
      html("code", {}, "insar-rt classify --keep-series"));
  }
  const which = facts.idName === null ? `--row ${id}` : `--id ${quoted(id)}`;
  const command = `insar-rt show ${quoted(facts.shownAs)} ${which}`;
  return html("p", { class: "hint" }, "This page has no room for the series of this point. In a terminal:",
    html("code", {}, command));
}

/** An argument quoted for a shell. */
function quoted(word) {
  return /^[\w.,:/@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function sideOf(points, i) {
  const shares = points.sharesOf(i);
  const bars = html("div", { class: "bars", id: "point-shares" });
  if (shares) {
    shares.forEach((one, k) => {
      if (!Number.isFinite(one)) return;
      const bar = html("i", { style: { width: `${100 * one}%`, background: colourOf(k) } });
      bars.append(html("span", {}, facts.groups[k]), html("span", { class: "track" }, bar), html("span", {}, chance(one)));
    });
  }
  const known = [["Status", statusText(facts.statuses[points.status[i]])]];
  const story = points.storyOf(i);
  const rate = points.velocityOf(i);
  const velocity = Number.isFinite(story?.velocity[0]) ? spread(story.velocity) : Number.isFinite(rate) && plain(rate, 1);
  if (velocity) known.push(["Velocity", `${velocity} mm/yr`]);
  known.push(["Epochs", String(points.epochs[i])], ["Longest gap", `${points.gap[i]} days`]);
  if (facts.position && !points.hasPlace(i)) known.push(["Position", "none"]);
  if (facts.position && points.hasPlace(i)) {
    known.push([facts.position.kind === "degrees" ? "Lon, lat" : "E, N", placeText(points.placeOf(i))]);
  }
  return [bars, pairs([...known, ...storyFacts(story), ...recentFacts(i)])];
}

/** Recent rate and kind of the jumps, as the diagnosis has found them. */
function recentFacts(i) {
  const [rate, probability, kind] = ["v_recent_mm_yr", "recent_change_prob", "jump_kind"].map((key) => valueOf(key, i));
  const days = facts.diagnosis?.recentDays;
  const known = [];
  if (Number.isFinite(rate)) known.push([days ? `Last ${days} days` : "Recent rate", `${plain(rate, 1)} mm/yr`]);
  if (Number.isFinite(probability)) known.push(["Recent change", chance(probability)]);
  if (Number.isFinite(kind)) known.push(["Kind of the jumps", measureOf("jump_kind").categories[kind]]);
  return known;
}

/** The file's other columns, folded; empty if they are not in the page. */
function attributesOf(points, i) {
  const known = points.attributesOf(i).filter(([, value]) => Number.isFinite(value));
  if (!known.length) return "";
  const summary = known.length === 1 ? "1 more attribute" : `${known.length} more attributes`;
  const entries = known.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, plain(value))));
  return html("details", {}, html("summary", {}, summary), html("dl", {}, ...entries));
}

function placeText(place) {
  const degrees = facts.position.kind === "degrees";
  return place.map((value) => plain(value, degrees ? 5 : 0)).join(", ");
}

/** A list of names and texts. */
function pairs(entries) {
  return html("dl", {}, ...entries.flatMap(([name, text]) => [html("dt", {}, name), html("dd", {}, text)]));
}

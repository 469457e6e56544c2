/* Texts of the page, and of the tooltip. */

function drawTip(points, i, x, y, area) {
  const tip = byId("tip");
  tip.hidden = i < 0 && !area;
  if (tip.hidden) return;
  if (area) {
    tip.replaceChildren(html("b", {}, `Area ${area.id}`), html("span", {}, facts.groups[area.group]),
      html("span", {}, `  ${rateText(area)} mm/yr, ${plain(area.moving)} points`));
    return placeTip(tip, x, y);
  }
  const [velocity, confidence] = [points.velocityOf(i), points.confidenceOf(i)];
  const sure = Number.isFinite(confidence) ? chance(confidence) : statusText(facts.statuses[points.status[i]]);
  const details = Number.isFinite(velocity) ? `${sure}, ${plain(velocity, 1)} mm/yr` : sure;
  const name = facts.groups[points.group[i]];
  tip.replaceChildren(html("b", {}, points.id(i)), html("span", {}, name), html("span", {}, `  ${details}`));
  placeTip(tip, x, y);
}

function placeTip(tip, x, y) {
  const { clientWidth, clientHeight } = byId("map");
  const left = x + 16 + tip.offsetWidth > clientWidth ? x - 16 - tip.offsetWidth : x + 16;
  const top = Math.min(y + 14, clientHeight - tip.offsetHeight - 4);
  Object.assign(tip.style, { left: `${left}px`, top: `${top}px` });
}

function drawTexts() {
  const { rows, unplaced } = facts.counts;
  const [first, last] = [facts.dates[0], facts.dates[facts.dates.length - 1]];
  const span = first ? `, ${facts.dates.length} epochs from ${first} to ${last}` : "";
  byId("title").textContent = facts.title;
  byId("lead").textContent = `${facts.title === facts.file ? "" : `${facts.file}: `}${count(rows)} points${span}`;
  const notes = [];
  if (facts.points < rows) {
    const some = `${count(facts.points)} of ${count(rows)} points`;
    notes.push(`The map shows a uniform sample of ${some}; all numbers are of all points.`);
  }
  if (unplaced) notes.push(`${count(unplaced)} of ${count(rows)} points have no position and are not on the map.`);
  if (facts.position && facts.position.kind !== "degrees") notes.push(`Coordinates: ${facts.position.system}.`);
  if (facts.series.rows && facts.series.rows < facts.points) {
    notes.push(`${count(facts.series.rows)} points come with their series, as many of each class as there is room for.`);
  }
  if (facts.areas?.list.length) notes.push("Outlines: moving areas, in the colours of their classes.");
  if (facts.coast) notes.push(`Coastline: ${facts.coast.source}.`);
  byId("map-note").textContent = notes.join(" ");
  if (!facts.position && notes.length) byId("lead").textContent += `. ${notes.join(" ")}`;
  drawWords();
  if (facts.velocityName) {
    byId("velocity-note").textContent = `Velocity: ${facts.velocityName}. Box: middle half, line: 5 to 95 %.`;
  }
  byId("about").replaceChildren(...pairs(facts.about).children);
  if (facts.attribution) byId("about").append(html("dt", {}, "Data"), html("dd", {}, facts.attribution));
  byId("doubts").replaceChildren(...facts.doubts.map((doubt) => html("li", {}, doubt)));
  byId("notes").replaceChildren(...facts.notes.map((note) => html("li", {}, note)));
}

/* Explanations of the words of the page. */

const STATUS_MEANINGS = {
  ok: "has a class",
  abstained: "the most probable class is not probable enough for an answer",
  too_few_epochs: "fewer epochs with a value than the model takes",
  gap_too_long: "a longer gap between two epochs than the model was trained for",
  non_finite: "an infinite value in the series",
  out_of_domain: "a wider range of displacements than the model was trained for",
};

/** Names and explanations of what is not a class; only of what the page shows. */
function wordMeanings() {
  const below = Number.isFinite(facts.abstainBelow) ? ` (below ${plain(100 * facts.abstainBelow)} %)` : "";
  const mix = facts.about.find(([name]) => name === "Class mix");
  return [
    ["No class", `the most probable class is not probable enough${below}, or the series could not be classified: see its status`],
    ["Unwrapping", "radar phases show displacement only within one cycle, half a wavelength; whole cycles are counted from date to " +
      "date and from point to point, and a wrong count leaves a jump"],
    ["Confidence", "calibrated probability of the most probable class: of 100 points with 80 %, some 80 have that class, if the " +
      "mix of classes is as assumed"],
    ["Class mix", `share of each class that was assumed before any series was looked at (prior)${mix ? "; it stands below, under Where this comes from" : ""}`],
    ["Displacement", "in mm, as in the file: mostly along the line of sight (LOS) from the ground to the satellite"],
    ["Epoch", "date of a radar image; only those with a value count"],
    ...(facts.diagnosis ? [
      ["±", "one standard deviation"],
      ["Scatter", "root mean square (RMS) of what is left beside trend, yearly cycle and jumps"],
      ["Yearly cycle", "amplitude of a motion that repeats each year, which no class counts"],
      ["Break, 90 %", "date at which the rate changes; it lies within the band with a probability of 90 %"],
      ["Repaired", "a jump that was taken out of the series shown; the class of what is left stands beside it"],
      ...(measureOf("recent_change_prob") ? [["Recent change", "probability that the rate of the last days differs from that before, beyond noise and yearly cycle"]] : []),
      ...(measureOf("jump_kind") ? [["Kind of the jumps", "one point: as a rule an unwrapping error; shared: by neighbours as well, a step of the " +
        "ground or of the data there; whole file: at a date at which the file as a whole steps"]] : []),
      ["Cycles, σ", "jumps in half wavelengths, and how many standard deviations they are away from a whole number"],
    ] : []),
  ];
}

function drawWords() {
  byId("meanings").replaceChildren(...pairs(facts.meanings.map((text, k) => [facts.groups[k], text])).children);
  byId("words").replaceChildren(...pairs(wordMeanings()).children);
  const ofStatus = Object.entries(facts.counts.statuses).map(([name, number]) =>
    [statusText(name), `${count(number)}: ${STATUS_MEANINGS[name] ?? ""}`]);
  byId("statuses").replaceChildren(...pairs(ofStatus).children);
}

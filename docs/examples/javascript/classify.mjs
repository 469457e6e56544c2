// Classify a CSV (one row a point, columns YYYYMMDD, mm) with the model files alone, in Node.
//
//     cp docs/examples/javascript/classify.mjs runtime/insar_runtime/_report/offline/rules.mjs .
//     npm install onnxruntime-node        # with ONNXRUNTIME_NODE_INSTALL=skip it fetches no CUDA
//     node classify.mjs MODEL_FOLDER FILE.csv [int8|fp32] [auto|trained|.94,.02,.01,.01,.01,.01]
//
// Writes id, class, status, confidence and the probabilities as CSV. rules.mjs has the checks, priors and abstention; it
// runs in browsers too, and needs nothing else.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ort from "onnxruntime-node";
import * as rules from "./rules.mjs";

const [folder, table, precision = "int8", mix = "auto"] = process.argv.slice(2);

// [model]
const model = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
const released = ({ file, sha256 }) => {
  const bytes = readFileSync(join(folder, file));
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== sha256) throw new Error(`${file} is not the released file`);
  return bytes;
};
const session = await ort.InferenceSession.create(released(model.files[precision]));

async function run(values, rows, days) {
  const { probabilities } = await session.run({
    displacement: new ort.Tensor("float32", values, [rows, days.length]), // mm, NaN = missing
    days: new ort.Tensor("float32", days, [1, days.length]), // since the first acquisition
  });
  return probabilities.data; // rows * classes
}
// [end]

// [golden]
if (precision === "int8") {
  const golden = rules.readGolden(released(model.golden.int8), model);
  const difference = await rules.goldenDifference(run, golden);
  if (!(difference <= golden.tolerance)) throw new Error("int8 computes wrongly here: take fp32");
  console.error(`golden vectors: ${difference.toFixed(4)} of ${golden.tolerance}`);
}
// [end]

const cellsOf = (line) => line.replaceAll('"', "").split(",");
const [header, ...lines] = readFileSync(table, "utf8").trimEnd().split(/\r?\n/).map(cellsOf);
const epochs = header.flatMap((name, column) => (/^\d{8}$/.test(name) ? [{ name, column }] : []));
epochs.sort((a, b) => a.name.localeCompare(b.name));
const dayOf = (name) => Date.UTC(name.slice(0, 4), name.slice(4, 6) - 1, name.slice(6)) / 86400000;

// [classify]
const days = Float32Array.from(epochs, ({ name }) => dayOf(name) - dayOf(epochs[0].name));
const { min_epochs: fewest, max_epochs: most } = model.limits;
if (days.length < fewest || days.length > most) throw new Error(`not ${fewest} to ${most} epochs`);
const number = (text) => (/^-?inf/i.test(text) ? Infinity : text === "" ? NaN : Number(text));
const rowOf = (cells) => epochs.map(({ column }) => number(cells[column]));
const matrix = Float32Array.from(lines.flatMap(rowOf));
const ask = (block, rows) => run(block, rows, days);
const found = await rules.askNetwork(ask, matrix, lines.length, days, model);
const width = model.classes.length;
const sharesOf = (i) => found.shares.subarray(i * width, (i + 1) * width);
const mixes = {
  trained: () => null,
  auto: () => {
    const rows = rules.mixRows(lines.length).map((i) => sharesOf(i));
    return rules.estimateMix(Float32Array.from(rows.flatMap((shares) => [...shares])), model).priors;
  },
};
const priors = mix in mixes ? mixes[mix]() : mix.split(",").map(Number);
const { class_id, confidence } = rules.decide(found, matrix, days, model, priors);
// [end]

console.log(["id", "class", "status", "confidence", ...model.classes].join());
lines.forEach((cells, i) => {
  const name = model.classes[class_id[i]] ?? "";
  console.log([cells[0], name, rules.STATUSES[found.status[i]], confidence[i], ...sharesOf(i)].join());
});

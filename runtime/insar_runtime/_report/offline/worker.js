/* The two kinds of workers: one reads the file and makes batches of numbers, the others classify them. */

const BATCH_ROWS = 256;
const UNIT_ROWS = 1000;
const AHEAD = 6; // batches that may wait for their classes
const PARQUET = "PAR1";
const NUMBERS = ["longitude", "latitude", "easting", "northing", "velocity"];

let credits = AHEAD;
let credited = () => {};
let classifier = null;

self.onmessage = async ({ data }) => {
  try {
    if (data.do === "credit") {
      credits++;
      credited();
    } else await { read, open, estimate, classify }[data.do](data);
  } catch (error) {
    postMessage({ kind: "stopped", refused: error instanceof Refusal, text: error.message, during: data.do });
  }
};

async function read({ file, unit, limits }) {
  const { name, packed, unpack } = await tableOf(file);
  let reported = 0;
  const pieces = piecesOf(packed, unpack, (bytes) => {
    if (performance.now() - reported < 100) return;
    reported = performance.now();
    postMessage({ kind: "read", share: bytes / packed.size });
  });
  const lines = linesOf(plainErrors(pieces, file.name));
  const first = await lines.next();
  if (first.done || !first.value.length) throw new Refusal(`${name} is empty.`);
  const layout = layoutOf(DECODER.decode(first.value), name);
  const epochs = layout.days.length;
  if (epochs < limits.min_epochs || epochs > limits.max_epochs) {
    const way = epochs < limits.min_epochs ? "few: give a longer series" : "many: keep the last years";
    const wanted = `${limits.min_epochs} to ${limits.max_epochs}`;
    throw new Refusal(`${name} has ${epochs} dates, and ${wanted} are needed. That is too ${way}.`);
  }
  const reader = new RowReader(layout);
  const velocityName = layout.names[layout.roles.velocity];
  let batch = newBatch(HEAD_ROWS, epochs);
  let proven = null;
  const describe = () => {
    const places = evenlySpaced(batch.rows, UNIT_ROWS);
    const velocities = places.map((i) => batch.velocity[i]);
    proven = unitOf(unit, rowsOf(batch.matrix, places, epochs), layout.days, velocities, velocityName);
    const { names, roles, days, dates } = layout;
    const sample = rowsOf(batch.matrix, mixRows(batch.rows), epochs).map((value) => value * proven.factor);
    const facts = { name, ...proven, names, roles, days, dates: dates.map(({ day }) => isoDate(day)) };
    postMessage({ kind: "layout", ...facts, sample }, [sample.buffer]);
  };
  const send = async () => {
    if (!proven) describe();
    for (let from = 0; from < batch.rows; from += BATCH_ROWS) {
      const to = Math.min(from + BATCH_ROWS, batch.rows);
      const matrix = batch.matrix.slice(from * epochs, to * epochs).map((value) => value * proven.factor);
      const part = Object.fromEntries(["ids", ...NUMBERS].map((key) => [key, batch[key].slice(from, to)]));
      if (layout.roles.velocity < 0) {
        part.velocity = part.velocity.map((_, i) => slopeOf(matrix.subarray(i * epochs, (i + 1) * epochs), layout.days));
      }
      while (!credits) await new Promise((resolve) => (credited = resolve));
      credits--;
      postMessage({ kind: "batch", rows: to - from, matrix, ...part }, [matrix.buffer]);
    }
  };
  for await (const line of lines) {
    const found = reader.read(line, batch.matrix.subarray(batch.rows * epochs, (batch.rows + 1) * epochs));
    if (!found) continue;
    batch.ids.push(found.id);
    for (const role of NUMBERS) batch[role][batch.rows] = found[role];
    if (++batch.rows < batch.room) continue;
    await send();
    batch = newBatch(BATCH_ROWS, epochs);
  }
  if (!reader.row) throw new Refusal(`${name} has a header and no rows.`);
  if (batch.rows || !proven) await send();
  postMessage({ kind: "end", rows: reader.row });
}

function newBatch(room, epochs) {
  const numbers = Object.fromEntries(NUMBERS.map((role) => [role, Array(room).fill(NaN)]));
  return { room, rows: 0, matrix: new Float32Array(room * epochs), ids: [], ...numbers };
}

function rowsOf(matrix, places, width) {
  const rows = new Float32Array(places.length * width);
  places.forEach((i, k) => rows.set(matrix.subarray(i * width, (i + 1) * width), k * width));
  return rows;
}

/** The table in a file, by its first bytes. */
async function tableOf(file) {
  if (!file.size) throw new Refusal(`${file.name} is empty.`);
  const head = new Uint8Array(await file.slice(0, 4096).arrayBuffer());
  const magic = String.fromCharCode(...head.subarray(0, 4));
  if (magic.startsWith("PK")) return tableOfZip(file);
  if (magic === PARQUET) {
    throw new Refusal(`${file.name} is a Parquet file. This page reads CSV and zip; insar-rt classify reads Parquet.`);
  }
  if (head.includes(0)) throw new Refusal(`${file.name} is no table. Drop an EGMS download (zip), or a CSV.`);
  return { name: file.name, packed: file, unpack: false };
}

async function* plainErrors(pieces, name) {
  try {
    yield* pieces;
  } catch (error) {
    const why = "It may be damaged or incomplete: download it again.";
    throw new Refusal(`${name} cannot be read to its end (${error.message}). ${why}`);
  }
}

async function open({ wasm, files, golden, model }) {
  Object.assign(ort.env.wasm, { numThreads: 1, wasmBinary: wasm, proxy: false });
  const notes = [];
  for (const precision of ["int8", "fp32"]) {
    const bytes = new Uint8Array(files[precision]);
    const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    const run = async (values, rows, days) => {
      const { probabilities } = await session.run({
        displacement: new ort.Tensor("float32", values, [rows, days.length]),
        days: new ort.Tensor("float32", days, [1, days.length]),
      });
      return probabilities.data;
    };
    if (precision === "int8") {
      const vectors = readGolden(new Uint8Array(golden), model);
      const difference = await goldenDifference(run, vectors);
      if (!(difference <= vectors.tolerance)) {
        const apart = difference.toPrecision(2);
        notes.push(`fp32 runs in place of int8, which differs from its golden vectors by ${apart} in this browser`);
        continue;
      }
    }
    classifier = { run, model };
    postMessage({ kind: "ready", precision, notes });
    return;
  }
}

/** The mix of classes, from rows of the head of the table. */
async function estimate({ matrix, days }) {
  const { run, model } = classifier;
  const [rows, width] = [matrix.length / days.length, model.classes.length];
  const shares = new Float32Array(rows * width);
  for (let from = 0; from < rows; from += BATCH_ROWS) {
    const to = Math.min(from + BATCH_ROWS, rows);
    const part = matrix.subarray(from * days.length, to * days.length);
    const found = await askNetwork((block, count) => run(block, count, days), part, to - from, days, model);
    shares.set(found.shares, from * width);
  }
  postMessage({ kind: "mix", ...estimateMix(shares, model) });
}

async function classify({ number, matrix, rows, days, priors }) {
  const { run, model } = classifier;
  const found = await askNetwork((block, count) => run(block, count, days), matrix, rows, days, model);
  const decided = decide(found, matrix, days, model, priors);
  const result = { ...found, ...decided };
  const buffers = [matrix, ...Object.values(result)].map((array) => array.buffer);
  postMessage({ kind: "classes", number, rows, matrix, ...result }, buffers);
}

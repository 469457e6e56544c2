/* The page that classifies a file in the browser: drop, progress, troubles, and then the report. */

const base = JSON.parse(document.getElementById("base").textContent);
const at = (id) => document.getElementById(id);
const MOST_CLASSIFIERS = 4;
const SORRY = {
  wasm: "This browser does not run WebAssembly, which the classifier needs. Open the page in a current Firefox, Chrome, " +
    "Edge or Safari, or ask whether your organisation has switched WebAssembly off.",
  old: "This browser is too old to unpack files. Open the page in a current Firefox, Chrome, Edge or Safari.",
};

const REPAIR = "The page may be damaged: download it again, or make it anew with insar-rt page.";
const PLACES = ["longitude", "latitude", "easting", "northing", "velocity"];

let running = null; // the run in progress: its workers, and what they have found

/** Decode an asset of the page: base64, of bytes that are deflated. */
async function asset(name) {
  const coded = atob(at(`asset-${name}`).textContent);
  const bytes = new Uint8Array(coded.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = coded.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

let assets = null; // a promise: decoded once, before or when a file comes
function allAssets() {
  const names = ["wasm", "int8", "fp32", "golden", "worker"];
  assets ??= Promise.all(names.map(asset)).then(([wasm, int8, fp32, golden, worker]) => ({
    program: new Blob([worker], { type: "text/javascript" }), model: { wasm, files: { int8, fp32 }, golden, model: base.model },
  }));
  return assets;
}

function say(kind, text) {
  at("intro").hidden = false;
  at("progress").hidden = kind !== "progress";
  at("trouble").hidden = kind !== "trouble";
  at("trouble-text").textContent = kind === "trouble" ? text : "";
  at("drop").hidden = kind === "progress";
}

function stop() {
  running?.workers.forEach((worker) => worker.terminate());
  running = null;
}

function fail(text) {
  stop();
  say("trouble", text);
}

function startWorker(address, receive) {
  const worker = new Worker(address);
  worker.onmessage = ({ data }) => receive(data, worker);
  worker.onerror = (event) => {
    event.preventDefault();
    if (running) fail(troubleOf({ during: "open", text: event.message ?? "its program was stopped" }));
  };
  running.workers.push(worker);
  return worker;
}

/** Classify a file and show its report. */
async function begin(file) {
  stop();
  if (typeof WebAssembly !== "object") return fail(SORRY.wasm);
  if (typeof DecompressionStream === "undefined") return fail(SORRY.old);
  clearReport();
  say("progress");
  at("progress-file").textContent = file.name;
  const run = { workers: [], started: performance.now(), share: 0, done: 0, layout: null, mix: null, end: null, notes: new Set() };
  running = run;
  showRun(run);
  let given;
  try {
    given = await allAssets();
  } catch (error) {
    return fail(`The classifier in this page cannot be unpacked (${error.message}). ${REPAIR}`);
  }
  if (running !== run) return; // cancelled, or another file came
  try {
    classify(run, file, given);
  } catch (error) {
    fail(troubleOf({ during: "open", text: error.message }));
  }
}

/** Start the workers, and bring batches from the one that reads to those that classify. */
function classify(run, file, given) {
  const gathered = new Gathered();
  const [idle, waiting] = [[], []];
  const address = URL.createObjectURL(given.program);
  const next = () => {
    if (!run.layout) return;
    const { days, sample } = run.layout;
    if (sample && idle.length) {
      idle.shift().postMessage({ do: "estimate", matrix: sample, days }, [sample.buffer]);
      run.layout.sample = null;
    }
    while (run.mix && idle.length && waiting.length) {
      const [worker, { number, batch }] = [idle.shift(), waiting.shift()];
      const { matrix, rows } = batch;
      worker.postMessage({ do: "classify", number, matrix, rows, days, priors: run.mix.priors }, [matrix.buffer]);
    }
  };
  const batches = [];
  const receive = (message, worker) => {
    if (running !== run) return;
    if (message.kind === "stopped") return fail(message.refused ? message.text : troubleOf(message));
    if (message.kind === "read") run.share = message.share;
    else if (message.kind === "layout") run.layout = message;
    else if (message.kind === "end") run.end = message.rows;
    else if (message.kind === "batch") {
      batches.push({ ids: message.ids, ...Object.fromEntries(PLACES.map((name) => [name, message[name]])) });
      waiting.push({ number: batches.length - 1, batch: message });
    } else {
      if (message.kind === "ready") {
        run.precision = message.precision;
        message.notes.forEach((note) => run.notes.add(note));
      } else if (message.kind === "mix") run.mix = message;
      else {
        gathered.add(message.number, { ...message, ...batches[message.number] });
        run.done += message.rows;
        reader.postMessage({ do: "credit" });
      }
      idle.push(worker);
    }
    next();
    showRun(run);
    if (run.end === null || run.done !== run.end) return;
    try {
      finish(run, gathered, file);
    } catch (error) {
      clearReport();
      fail(`The map of this page cannot be drawn (${error.message}). ${REPAIR}`);
    }
  };
  const reader = startWorker(address, receive);
  reader.postMessage({ do: "read", file, unit: at("unit").value, limits: base.model.limits });
  const classifiers = Math.max(1, Math.min(MOST_CLASSIFIERS, (navigator.hardwareConcurrency || 2) - 1));
  for (let k = 0; k < classifiers; k++) {
    startWorker(address, receive).postMessage({ do: "open", ...given.model });
  }
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

function troubleOf({ during, text }) {
  if (during === "read") return `The file cannot be read (${text}).`;
  return `The classifier of this page could not be ${during === "open" ? "started" : "run"} (${text}). ${REPAIR}`;
}

function showRun(run) {
  const seconds = (performance.now() - run.started) / 1000;
  const share = run.end === null ? run.share * 0.98 : 0.98 + (0.02 * run.done) / run.end;
  at("bar").value = share;
  const speed = run.done && seconds > 2 ? ` · ${Math.round(run.done / seconds).toLocaleString("en")} a second` : "";
  const rest = Math.max(1, Math.round((seconds * (1 - share)) / share));
  const left = share > 0.05 && seconds > 3 ? ` · some ${rest} s left` : "";
  at("progress-text").textContent = run.done ? `${run.done.toLocaleString("en")} points${speed}${left}` : "Starting …";
}

function finish(run, gathered, file) {
  const seconds = (performance.now() - run.started) / 1000;
  run.workers.forEach((worker) => worker.terminate());
  running = null;
  const layout = { ...run.layout, title: file.name, precision: run.precision, mix: run.mix, notes: [...run.notes] };
  const { facts, arrays } = reportOf(gathered, layout, base, seconds);
  at("intro").hidden = true;
  at("result").replaceChildren(at("report-body").content.cloneNode(true));
  const holder = document.createElement("script");
  Object.assign(holder, { type: "application/json", id: "facts", textContent: JSON.stringify(facts) });
  at("result").append(holder);
  at("done").hidden = false;
  const points = facts.points.toLocaleString("en");
  at("done-text").textContent = `${points} points classified in ${seconds.toFixed(1)} s, in this browser`;
  const stem = file.name.replace(/\.(csv|zip|txt)$/i, "");
  at("save").onclick = () => {
    const table = new Blob([...tableParts(gathered, layout, base)], { type: "text/csv" });
    const link = document.createElement("a");
    Object.assign(link, { href: URL.createObjectURL(table), download: `${stem}.classified.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };
  showReport(arrays);
  window.scrollTo(0, 0);
}

function clearReport() {
  at("result").replaceChildren();
  at("done").hidden = true;
  document.title = base.title;
}

at("choose").addEventListener("click", () => at("file").click());
at("another").addEventListener("click", () => at("file").click());
at("cancel").addEventListener("click", () => {
  stop();
  say("");
});
at("file").addEventListener("change", () => {
  const [file] = at("file").files;
  at("file").value = "";
  if (file) begin(file);
});
window.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
window.addEventListener("dragleave", (event) => event.relatedTarget ?? document.body.classList.remove("over"));
window.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  const file = event.dataTransfer.files[0];
  if (file) begin(file);
});
say("");
if (typeof WebAssembly !== "object") say("trouble", SORRY.wasm);

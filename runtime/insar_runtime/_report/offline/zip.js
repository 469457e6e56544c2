/* A zip as a ground motion service delivers it: one CSV among its files, unpacked by the browser. */

const [MIB, END_OF_ZIP, ENTRY_OF_ZIP, FILE_OF_ZIP] = [1 << 20, 0x06054b50, 0x02014b50, 0x04034b50];
const [STORED, DEFLATED, ENCRYPTED, IN_ZIP64] = [0, 8, 1, 0xffffffff];

/** What a person did not give us as we need it: shown as it stands. */
class Refusal extends Error {}

async function viewOf(file, from, to) {
  return new DataView(await file.slice(Math.max(0, from), to).arrayBuffer());
}

/** Name and bytes of the one CSV in a zip, as a stream. */
async function tableOfZip(file) {
  const tail = await viewOf(file, file.size - 65557, file.size);
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== END_OF_ZIP) end--;
  if (end < 0) throw new Refusal(`${file.name} is an incomplete zip: its end is missing. Download it again.`);
  const entries = await entriesOf(file, tail.getUint32(end + 16, true), tail.getUint32(end + 12, true));
  const shown = entries.filter(({ name }) => !/(^|\/)\.|__MACOSX|\/$/.test(name));
  const tables = shown.filter(({ name }) => /\.csv$/i.test(name));
  if (shown.some(({ name }) => name.startsWith("xl/"))) {
    throw new Refusal(`${file.name} is an Excel workbook. Save its sheet as CSV, with decimal points.`);
  }
  if (tables.length !== 1) {
    const names = shown.slice(0, 3).map(({ name }) => name).join(", ") || "nothing";
    const many = tables.length ? `${tables.length} CSV files` : `no CSV, but ${names}`;
    throw new Refusal(`${file.name} holds ${many}. Unpack it, and drop one CSV here.`);
  }
  const [table] = tables;
  if (table.flags & ENCRYPTED) throw new Refusal(`${file.name} is encrypted. Unpack it, and drop the CSV here.`);
  if (table.packed === IN_ZIP64 || table.size === IN_ZIP64 || table.offset === IN_ZIP64) {
    throw new Refusal(`${file.name} holds more than 4 GB. Unpack it, and drop the CSV here.`);
  }
  const local = await viewOf(file, table.offset, table.offset + 30);
  if (local.byteLength < 30 || local.getUint32(0, true) !== FILE_OF_ZIP) {
    throw new Refusal(`${file.name} is a damaged zip. Download it again.`);
  }
  const start = table.offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  const bytes = file.slice(start, start + table.packed);
  if (table.method === STORED) return { name: table.name, packed: bytes, unpack: false };
  if (table.method === DEFLATED) return { name: table.name, packed: bytes, unpack: true };
  throw new Refusal(`${file.name} is packed by a method that browsers do not know. Unpack it, and drop the CSV here.`);
}

async function entriesOf(file, offset, size) {
  const directory = await viewOf(file, offset, offset + size);
  const entries = [];
  for (let at = 0; at + 46 <= directory.byteLength && directory.getUint32(at, true) === ENTRY_OF_ZIP; ) {
    const [named, extra, comment] = [28, 30, 32].map((place) => directory.getUint16(at + place, true));
    entries.push({
      flags: directory.getUint16(at + 8, true), method: directory.getUint16(at + 10, true),
      packed: directory.getUint32(at + 20, true), size: directory.getUint32(at + 24, true),
      offset: directory.getUint32(at + 42, true),
      name: new TextDecoder().decode(new Uint8Array(directory.buffer, at + 46, named)),
    });
    at += 46 + named + extra + comment;
  }
  return entries;
}

/** The bytes of a file or a part of one, piece by piece; report(bytes) is called with the number of bytes read of it. */
async function* piecesOf(blob, unpack, report) {
  let read = 0;
  const counted = new TransformStream({
    transform(piece, controller) {
      report((read += piece.byteLength));
      controller.enqueue(piece);
    },
  });
  let stream = blob.stream().pipeThrough(counted);
  if (unpack) stream = stream.pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

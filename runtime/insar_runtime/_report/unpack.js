/* Arrays of the page: base64 of deflated bytes (see pack.py). */

const TYPES = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };

/** Decode an array of the page and free its text. */
async function unpack(name) {
  const element = byId(`array-${name}`);
  if (!element) return new Uint8Array(0);
  const coded = atob(element.textContent);
  element.remove();
  const bytes = new Uint8Array(coded.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = coded.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  // The lowest bytes of all values come first, then the next ones.
  const type = TYPES[facts.types[name]];
  const size = type.BYTES_PER_ELEMENT;
  if (size === 1) return planes;
  const length = planes.length / size;
  const joined = new Uint8Array(planes.length);
  for (let plane = 0; plane < size; plane++) {
    for (let i = 0, at = plane, from = plane * length; i < length; i++, at += size) joined[at] = planes[from + i];
  }
  return new type(joined.buffer);
}

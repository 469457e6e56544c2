/* Two painters of many points with one interface: WebGL, and single pixels without WebGL.

   painter.colour(values, ramp, order)   a number from 0 to 255 a point, 256 colours (RGBA), and the order of the points
   painter.paint(view, ranges, part, size)   ranges of the order, the later above; part: share of each, while the map moves
   Points are painted in a random order within their range, so that a part of them is a uniform sample. */

function shuffledWithin(ranges, length) {
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  let seed = 2463534242;
  for (const { start, end } of ranges) {
    for (let i = end - 1; i > start; i--) {
      seed ^= seed << 13;
      seed ^= seed >>> 17;
      seed ^= seed << 5;
      const j = start + ((seed >>> 0) % (i - start + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
  }
  return order;
}

/** The order of drawing if points are coloured by a number: within each group by bands, and the bands of all groups in turn.

    bands: band of each value, from 0 to BANDS, 0 for none. Points are larger if few have a number. */
function banded(order, ranges, values, bands) {
  const sorted = new Uint32Array(order.length);
  const parts = [];
  for (const { group, start, end } of ranges) {
    const sizes = new Uint32Array(BANDS + 1);
    for (let k = start; k < end; k++) sizes[bands[values[order[k]]]]++;
    const starts = runningSum(sizes).map((sum) => sum + start);
    const next = starts.slice();
    for (let k = start; k < end; k++) sorted[next[bands[values[order[k]]]]++] = order[k];
    sizes.forEach((size, band) => size && parts.push({ group, band, start: starts[band], end: starts[band] + size }));
  }
  const coloured = parts.reduce((sum, { band, start, end }) => sum + (band ? end - start : 0), 0);
  const grow = coloured < order.length / 20 ? 1.7 : 1;
  for (const part of parts) part.grow = part.band ? grow : 1;
  return { order: sorted, ranges: parts.sort((a, b) => a.band - b.band) };
}

const VERTEX = `
  attribute vec2 place;
  attribute float value;
  uniform vec2 centre, rest, scale;
  uniform float size;
  varying float shade;
  void main() {
    /* The centre in two parts: a float has too few digits for a small piece of a large map. */
    gl_Position = vec4(((place - centre) - rest) * scale, 0.0, 1.0);
    gl_PointSize = size;
    shade = (value + 0.5) / 256.0;
  }`;

const FRAGMENT = `
  precision highp float;
  uniform sampler2D ramp;
  uniform float size, hollow;
  varying float shade;
  void main() {
    float radius = length(gl_PointCoord - 0.5) * size;
    vec4 colour = texture2D(ramp, vec2(shade, 0.5));
    float alpha = colour.a * clamp(size * 0.5 - radius + 0.5, 0.0, 1.0);
    if (hollow > 0.5 && size > 4.0) alpha *= clamp(radius - size * 0.5 + 2.0, 0.15, 1.0);
    gl_FragColor = vec4(colour.rgb * alpha, alpha);
  }`;

function compiled(gl) {
  const program = gl.createProgram();
  for (const [type, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
}

/** A painter on WebGL; null if the browser has none. */
function glPainter(canvas, points) {
  const gl = canvas.getContext("webgl", { antialias: false, alpha: true, powerPreference: "high-performance" });
  const program = gl && compiled(gl);
  if (!program) return null;
  gl.useProgram(program);
  const at = (name) => gl.getUniformLocation(program, name);
  const uniforms = Object.fromEntries(["centre", "rest", "scale", "size", "hollow"].map((name) => [name, at(name)]));
  const place = new Float32Array(2 * points.count);
  const attribute = (name, size, type) => {
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    const location = gl.getAttribLocation(program, name);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, size, type, false, 0, 0);
    return buffer;
  };
  const places = attribute("place", 2, gl.FLOAT);
  const shades = attribute("value", 1, gl.UNSIGNED_BYTE);
  let placed = null; // the order of the places in the buffer
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  for (const [name, value] of [["MIN_FILTER", gl.NEAREST], ["MAG_FILTER", gl.NEAREST], ["WRAP_S", gl.CLAMP_TO_EDGE],
    ["WRAP_T", gl.CLAMP_TO_EDGE]]) {
    gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${name}`], value);
  }
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  return {
    name: "webgl",
    colour(values, ramp, order) {
      if (order !== placed) {
        order.forEach((i, k) => {
          // Points without a position, far outside of any view.
          place[2 * k] = points.hasPlace(i) ? points.x[i] : 1e30;
          place[2 * k + 1] = points.hasPlace(i) ? points.y[i] : 1e30;
        });
        gl.bindBuffer(gl.ARRAY_BUFFER, places);
        gl.bufferData(gl.ARRAY_BUFFER, place, gl.STATIC_DRAW);
        placed = order;
      }
      gl.bindBuffer(gl.ARRAY_BUFFER, shades);
      gl.bufferData(gl.ARRAY_BUFFER, Uint8Array.from(order, (i) => values[i]), gl.STATIC_DRAW);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, ramp);
    },
    paint(view, ranges, part, size) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      const [x, y] = [Math.fround(view.x), Math.fround(view.y)];
      gl.uniform2f(uniforms.centre, x, y);
      gl.uniform2f(uniforms.rest, view.x - x, view.y - y);
      gl.uniform2f(uniforms.scale, (2 * view.kx) / view.width, (2 * view.ky) / view.height);
      for (const { group, start, end, grow = 1 } of ranges) {
        gl.uniform1f(uniforms.size, size * grow * view.ratio);
        gl.uniform1f(uniforms.hollow, group === NO_CLASS ? 1 : 0);
        gl.drawArrays(gl.POINTS, start, Math.ceil((end - start) * part));
      }
    },
    /** Wait until all is painted, for measurements. */
    finish() {
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); // gl.finish does not wait in browsers
    },
  };
}

/** A painter that sets pixels; square points, no smooth edges, but it runs anywhere. */
function pixelPainter(canvas, points) {
  const context = canvas.getContext("2d");
  let colours = new Uint32Array(256);
  let values = new Uint8Array(points.count);
  let order = new Uint32Array(points.count);
  return {
    name: "canvas",
    colour(newValues, ramp, newOrder) {
      [values, order] = [newValues, newOrder];
      colours = new Uint32Array(ramp.buffer.slice(0));
    },
    paint(view, ranges, part, size) {
      const { width, height } = canvas;
      const image = context.createImageData(width, height);
      const pixels = new Uint32Array(image.data.buffer);
      const [kx, ky] = [view.kx * view.ratio, view.ky * view.ratio];
      for (const { start, end, grow = 1 } of ranges) {
        const side = Math.max(1, Math.round(size * grow * view.ratio * 0.85));
        const left = width / 2 - view.x * kx - side / 2;
        const top = height / 2 + view.y * ky - side / 2;
        const stop = start + Math.ceil((end - start) * part);
        for (let k = start; k < stop; k++) {
          const i = order[k];
          const px = Math.round(left + points.x[i] * kx);
          const py = Math.round(top - points.y[i] * ky);
          if (px < 0 || py < 0 || px + side > width || py + side > height || !points.hasPlace(i)) continue;
          for (let row = py; row < py + side; row++) {
            pixels.fill(colours[values[i]], row * width + px, row * width + px + side);
          }
        }
      }
      context.putImageData(image, 0, 0);
    },
    finish() {},
  };
}

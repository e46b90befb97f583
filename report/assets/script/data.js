// The data block of the page, and the series in it: delta-coded 16-bit steps, one plane of bytes after the other, deflated, base64.
const data = JSON.parse(document.getElementById("data").textContent);
const MISSING = 65535;

async function inflate(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Numbers of `width` bytes, least significant plane first, each the difference to the one before.
function sums(bytes, at, count, width) {
  const values = new Float64Array(count);
  const wrap = 256 ** width;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    let step = 0;
    for (let plane = width - 1; plane >= 0; plane--) step = step * 256 + bytes[at + plane * count + i];
    sum = (sum + step) % wrap;
    values[i] = sum;
  }
  return values;
}

// A run as the plots want it: times in seconds, batch numbers, and for every measure an array of lines.
async function unpack(run) {
  const bytes = await inflate(run.data);
  const view = new DataView(bytes.buffer);
  const points = run.points;
  const measures = data.layouts[run.layout];
  const lines = measures.reduce((sum, measure) => sum + measure.count, 0);
  const seconds = sums(bytes, 16 * lines, points, 4).map((ticks) => ticks * run.tick_s);
  // A column of a reduced run has two points, its smallest and largest values in the order in which they came.
  const batches = Float64Array.from({ length: points }, (_, i) =>
    run.stride === 1 ? i : Math.min((i >> 1) * run.stride + (i & 1 ? run.stride - 1 : 0), run.batches - 1),
  );
  const values = new Map();
  let line = 0;
  for (const measure of measures) {
    const all = [];
    for (let one = 0; one < measure.count; one++, line++) {
      const [low, step] = [view.getFloat64(16 * line, true), view.getFloat64(16 * line + 8, true)];
      const steps = sums(bytes, 16 * lines + 4 * points + 2 * points * line, points, 2);
      all.push(Array.from(steps, (n) => (n === MISSING ? null : low + n * step)));
    }
    values.set(measure.name, all);
  }
  return { ...run, seconds, batches, values };
}

const unpacked = new Map();
function series(index) {
  if (!unpacked.has(index)) unpacked.set(index, unpack(data.runs[index]));
  return unpacked.get(index);
}

// Whether a run has ended before `x`, with some room for what rounding adds to its last time.
const isOver = (sorted, x) => sorted.length > 0 && x > sorted.at(-1) + 1e-6 * Math.abs(sorted.at(-1));

// The point nearest to `x` in a sorted array.
function nearest(sorted, x) {
  let [low, high] = [0, sorted.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= x) low = middle;
    else high = middle;
  }
  return Math.abs(sorted[high] - x) < Math.abs(x - sorted[low]) ? high : low;
}

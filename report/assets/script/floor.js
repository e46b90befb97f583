// The floor: nodes and their GPUs, coloured by what they are at the time under the cursor.
const QUANTITIES = [
  { name: "temperature_degc", label: "die temperature", unit: "degC" },
  { name: "memory_temperature_degc", label: "memory temperature", unit: "degC" },
  { name: "power_w", label: "power", unit: "W" },
  { name: "clock_mhz", label: "clock", unit: "MHz" },
];
// Dark to light, and told apart by those who do not tell red from green (plasma).
const HEAT = ["#0d0887", "#46039f", "#7201a8", "#9c179e", "#bd3786", "#d8576b", "#ed7953", "#fb9f3a", "#fdca26", "#f0f921"];
const MOST_FLOORS = 4;
let quantity = 0;

function heat(share) {
  const at = Math.min(Math.max(share, 0), 1) * (HEAT.length - 1);
  const [low, high] = [HEAT[Math.floor(at)], HEAT[Math.ceil(at)]];
  const mixed = [1, 3, 5].map((i) => {
    const [a, b] = [parseInt(low.slice(i, i + 2), 16), parseInt(high.slice(i, i + 2), 16)];
    return Math.round(a + (b - a) * (at - Math.floor(at)));
  });
  const [r, g, b] = mixed.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return { ground: `rgb(${mixed.join(" ")})`, ink: luminance > 0.179 ? "#000" : "#fff" };
}

const known = (run, name) => run.values.get(name)?.some((line) => line.some((value) => value !== null));

function startFloor(rebuild) {
  const select = document.getElementById("quantity");
  options(select, QUANTITIES.map(({ label }) => label), 0, (value) => { quantity = value; rebuild(); });
}

// GPUs of a stream of air stand one behind another: streams side by side, the air from top to bottom.
function rowsOf(first, count) {
  const streams = data.floor.streams.filter((stream) => stream.every((gpu) => gpu >= first && gpu < first + count));
  const covered = streams.flat().length === count && streams.every((stream) => stream.length === streams[0].length);
  if (covered && streams.length > 1) return { columns: streams.length, order: streams[0].flatMap((_, row) => streams.map((stream) => stream[row])), air: true };
  const columns = count <= 4 ? count : Math.min(8, Math.ceil(count / Math.ceil(count / (count <= 8 ? 4 : 8))));
  return { columns, order: Array.from({ length: count }, (_, i) => first + i), air: false };
}

function floorOf(run, name, colour) {
  const tiles = [];
  const count = run.values.get(QUANTITIES[quantity].name).length;
  const perNode = Math.min(data.floor.gpus_per_node || count, count);
  const nodes = element("div", { class: "nodes" });
  for (let first = 0; first < count; first += perNode) {
    const { columns, order, air } = rowsOf(first, Math.min(perNode, count - first));
    const grid = element("div", { class: "tiles" });
    grid.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    for (const gpu of order) {
      tiles[gpu] = element("div", { class: "tile" }, `GPU ${gpu} `, element("b"));
      grid.append(tiles[gpu]);
    }
    nodes.append(element("div", { class: "node" }, element("p", {}, `node ${first / perNode}${air ? ", air from top to bottom" : ""}`), grid));
  }
  const summary = element("p", { class: "quiet small" });
  const box = element("div", { class: "floor" }, element("h3", {}, swatch(colour), named(name)), nodes, summary);
  return { box, tiles, summary, run };
}

// All floors share the scale, which is that of the whole runs.
function rangeOf(floors) {
  let [low, high] = [Infinity, -Infinity];
  for (const { run } of floors) {
    for (const line of run.values.get(QUANTITIES[quantity].name)) {
      for (const value of line) if (value !== null) [low, high] = [Math.min(low, value), Math.max(high, value)];
    }
  }
  return [low, high];
}

function paintFloor({ tiles, summary, run }, [low, high], x) {
  const { name, unit } = QUANTITIES[quantity];
  const scale = prefixed(1, unit);
  const at = nearest(run[choice.over], x);
  // Of a reduced run the larger of the two values of the column.
  const values = run.values.get(name).map((line) => (run.stride === 1 ? line[at] : Math.max(line[at & ~1], line[at | 1] ?? -Infinity)));
  values.forEach((value, gpu) => {
    if (value === null) return;
    const { ground, ink } = heat(high > low ? (value - low) / (high - low) : 0.5);
    tiles[gpu].style.background = ground;
    tiles[gpu].style.color = ink;
    tiles[gpu].lastChild.textContent = value.toFixed(unit === "degC" ? 1 : 0);
  });
  const most = values.indexOf(Math.max(...values));
  const least = values.indexOf(Math.min(...values));
  const over = isOver(run[choice.over], x) ? "This run has ended; these are its last values: " : "";
  summary.textContent = `${over}highest: GPU ${most} with ${value(values[most])}; lowest: GPU ${least} with ${value(values[least])}`;
  function value(number) {
    return `${number.toFixed(unit === "degC" ? 1 : 0)} ${scale.unit}`;
  }
}

function paintScale([low, high]) {
  const box = document.getElementById("scale");
  const { unit } = QUANTITIES[quantity];
  const canvas = element("canvas", { width: 256, height: 1, "aria-hidden": "true" });
  const ctx = canvas.getContext("2d");
  for (let i = 0; i < 256; i++) {
    ctx.fillStyle = heat(i / 255).ground;
    ctx.fillRect(i, 0, 1, 1);
  }
  const text = (value) => `${value.toFixed(unit === "degC" ? 1 : 0)} ${prefixed(1, unit).unit}`;
  box.replaceChildren(text(low), canvas, text(high));
}

// The part of the page that moves: it builds plots and floors for what is chosen, and keeps their cursor and zoom together.
let plots = [];
let floors = [];
let floorRange = [0, 1];
let span = [0, 1];
let generation = 0;

// GPUs have the colours of the figures. Experts have no order of merit: evenly around the circle, dashed from the second round on.
function lineColour(each, index, count) {
  if (each === "GPU") return data.gpu_inks[index];
  const hue = (index * 360) / Math.min(count, 8) + (index >= 8 ? 20 : 0);
  return `light-dark(oklch(0.55 0.15 ${hue}), oklch(0.78 0.15 ${hue}))`;
}

// Of many experts a line is so many neighbours.
function lineName(each, index) {
  const { count, group } = data.experts;
  if (each !== "expert" || group === 1) return `${each} ${index}`;
  return `experts ${index * group}\u2013${Math.min((index + 1) * group, count) - 1}`;
}

async function rebuild() {
  const mine = ++generation;
  const chosen = chosenRuns();
  const runs = await Promise.all(chosen.map(({ index }) => series(index)));
  // Somebody chose again while this was being unpacked.
  if (mine !== generation) return;
  const shown = runs.filter((run) => !choice.hidden.has(run.router));
  span = [choice.over === "seconds" ? 0 : Math.min(...runs.map((run) => run.batches[0])), Math.max(...runs.map((run) => run[choice.over].at(-1)))];
  if (!Number.isFinite(span[1])) span = [0, 1];
  // At first where all runs are still there.
  const ended = Math.min(...(shown.length ? shown : runs).map((run) => run[choice.over].at(-1)));
  choice.x = Math.min(Math.max(choice.x ?? (Number.isFinite(ended) ? ended : span[1]), span[0]), span[1]);
  plots.forEach((plot) => plot.forget());
  plots = [...compared(shown), ...details(shown)];
  buildFloors(shown);
  tellReduced(shown);
  document.getElementById("nothing").hidden = shown.length > 0;
  plots.forEach((plot) => plot.draw());
  // The charts lay themselves out when this is done; only then they know where a time is.
  await new Promise((done) => setTimeout(done));
  if (mine !== generation) return;
  zoomed(...(choice.zoom ?? span));
  await new Promise((done) => setTimeout(done));
  if (mine === generation) moveTo(choice.x);
}

const told = { moved: (x) => moveTo(Math.min(Math.max(x, span[0]), span[1])), zoomed: (min, max) => zoomed(Math.max(min, span[0]), Math.min(max, span[1])) };

// A measure that is nothing but zero has no plot.
const says = (run, name) => run.values.get(name)?.some((line) => line.some((value) => value));

function compared(shown) {
  const box = document.getElementById("compared");
  const made = data.measures
    .filter((measure) => !measure.each && shown.some((run) => says(run, measure.name)))
    .map((measure) => plotOf({
      title: measure.title,
      unit: measure.unit,
      rules: data.limits.filter((limit) => limit.measure === measure.name),
      lines: shown.filter((run) => known(run, measure.name)).map((run) => ({
        name: data.routers[run.router].name, colour: routerInk(run.router), x: run[choice.over], y: run.values.get(measure.name)[0], stride: run.stride,
      })),
    }, told));
  box.replaceChildren(...made.map((plot) => plot.box));
  return made;
}

// The plots with a line for every GPU or expert are of one run.
function details(shown) {
  const select = document.getElementById("detail");
  const run = shown.find((run) => run.router === choice.detail) ?? shown[0];
  select.replaceChildren(...shown.map((run) => element("option", { value: run.router }, data.routers[run.router].name.slice(0, 60))));
  document.getElementById("each").hidden = !run;
  if (!run) return [];
  select.value = run.router;
  const made = data.measures.filter((measure) => measure.each && known(run, measure.name)).map((measure) => {
    const all = run.values.get(measure.name);
    return plotOf({
      title: measure.each === "expert" && data.experts.group > 1 ? `${measure.title}, mean of ${data.experts.group} neighbours` : measure.title,
      unit: measure.unit,
      rules: data.limits.filter((limit) => limit.measure === measure.name),
      lines: all.map((y, index) => ({ name: lineName(measure.each, index), colour: lineColour(measure.each, index, all.length), dash: index >= 8 ? [6, 3] : undefined, x: run[choice.over], y, stride: run.stride })),
    }, told);
  });
  const strip = heldBack(run);
  if (strip) made.push(strip);
  document.getElementById("detailed").replaceChildren(...made.map((plot) => plot.box));
  return made;
}

// When something held a GPU back: a bar in the GPU's row.
function heldBack(run) {
  if (!run.held.length || choice.over !== "seconds") return null;
  const rows = data.floor.gpus;
  const causes = [...new Set(run.held.map(([, cause]) => cause))];
  const colour = new Map(causes.map((cause, index) => [cause, ["#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#888888"][index % 5]]));
  const plot = plotOf({
    title: "Held back, a row for each GPU (GPU 0 at the top)",
    unit: "",
    range: [rows - 0.5, -0.5],
    lines: [{ name: "", colour: "transparent", x: run.seconds, y: run.seconds.length ? Array.from(run.seconds, () => 0) : [], stride: 1 }],
    shade: run.held.map(([gpu, cause, from, until]) => ({ row: gpu, rows, from, until, colour: colour.get(cause) })),
  }, told);
  plot.read = () => {};
  plot.box.querySelector(".readout").replaceChildren(...causes.map((cause) => element("li", {}, swatch(colour.get(cause)), data.causes[cause])));
  return plot;
}

function buildFloors(shown) {
  const all = shown.filter((run) => known(run, QUANTITIES[quantity].name));
  floors = all.slice(0, MOST_FLOORS).map((run) => floorOf(run, data.routers[run.router].name, routerInk(run.router)));
  document.getElementById("floors").replaceChildren(...floors.map((floor) => floor.box));
  document.getElementById("unmapped").hidden = floors.length > 0;
  document.getElementById("more-floors").hidden = all.length <= MOST_FLOORS;
  document.getElementById("scale").hidden = floors.length === 0;
  if (!floors.length) return;
  floorRange = rangeOf(floors);
  paintScale(floorRange);
}

function tellReduced(shown) {
  const reduced = shown.filter((run) => run.stride > 1);
  const note = document.getElementById("reduced");
  note.hidden = reduced.length === 0;
  if (!reduced.length) return;
  const most = reduced.reduce((a, b) => (a.stride >= b.stride ? a : b));
  note.textContent = `Reduced: of every ${most.stride} batches (of ${most.batches.at(-1) + 1}) the smallest and the largest value of each line are drawn, and nothing between them; hovering shows both. series.parquet has every batch.`;
}

function moveTo(x) {
  choice.x = x;
  const words = choice.over === "seconds" ? `${digits(x)} s` : `batch ${Math.round(x)}`;
  for (const slider of document.querySelectorAll("input.when")) {
    slider.min = span[0];
    slider.max = span[1];
    slider.step = "any";
    slider.value = x;
    slider.setAttribute("aria-valuetext", words);
  }
  document.querySelectorAll("output.now").forEach((output) => { output.textContent = words; });
  for (const plot of plots) {
    plot.read(x);
    plot.cursor(x);
  }
  floors.forEach((floor) => paintFloor(floor, floorRange, x));
}

function zoomed(min, max) {
  if (!(max > min)) return;
  choice.zoom = min <= span[0] && max >= span[1] ? null : [min, max];
  plots.forEach((plot) => plot.zoom(min, max));
}

// Around the cursor, by a factor.
function zoomBy(factor) {
  const [low, high] = choice.zoom ?? span;
  const at = Math.min(Math.max(choice.x, low), high);
  zoomed(Math.max(span[0], at - (at - low) * factor), Math.min(span[1], at + (high - at) * factor));
}

function keys(event) {
  if (!event.target.classList.contains("plot")) return;
  const [low, high] = choice.zoom ?? span;
  const step = ((high - low) / 200) * (event.shiftKey ? 10 : 1);
  const act = {
    ArrowLeft: () => moveTo(Math.max(span[0], choice.x - step)),
    ArrowRight: () => moveTo(Math.min(span[1], choice.x + step)),
    Home: () => moveTo(low),
    End: () => moveTo(high),
    "+": () => zoomBy(0.5),
    "=": () => zoomBy(0.5),
    "-": () => zoomBy(2),
    0: () => zoomed(...span),
    Escape: () => zoomed(...span),
  }[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
}

// A slider that takes any value has steps of its own: as those of the plots.
function sliderKeys(event) {
  const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
  if (!steps) return;
  event.preventDefault();
  moveTo(Math.min(Math.max(choice.x + (steps * (span[1] - span[0])) / 200, span[0]), span[1]));
}

function startTime() {
  if (!data.runs.length) return;
  for (const id of ["time", "floor"]) {
    document.getElementById(`${id}-live`).hidden = false;
    document.getElementById(`${id}-missing`).hidden = true;
  }
  startChoice(rebuild);
  startFloor(rebuild);
  document.getElementById("detail").addEventListener("change", (event) => { choice.detail = Number(event.target.value); rebuild(); });
  for (const slider of document.querySelectorAll("input.when")) {
    slider.addEventListener("input", () => moveTo(Number(slider.value)));
    slider.addEventListener("keydown", sliderKeys);
  }
  document.getElementById("zoom-in").addEventListener("click", () => zoomBy(0.5));
  document.getElementById("zoom-out").addEventListener("click", () => zoomBy(2));
  document.getElementById("zoom-all").addEventListener("click", () => zoomed(...span));
  document.getElementById("time").addEventListener("keydown", keys);
  themeListeners.push(() => plots.forEach((plot) => plot.repaint()));
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    plots.forEach((plot) => plot.resize());
  });
  return rebuild();
}

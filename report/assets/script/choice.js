// What is chosen: point, seed, routers, the time under the cursor and the stretch of time that is shown.
const choice = { point: data.axes.map((axis) => axis.first), seed: 0, hidden: new Set(), detail: 0, over: "seconds", x: null, zoom: null };
const MOST_LINES = 12;

// The runs of the chosen point and seed; a router without an axis is the same at all its values.
function chosenRuns() {
  const at = choice.point.map((value, axis) => data.axes[axis].values[value]);
  return data.runs
    .map((run, index) => ({ run, index }))
    .filter(({ run }) => run.seed === choice.seed && run.point.every((value, axis) => value === null || value === at[axis]));
}

function options(select, values, chosen, listener) {
  select.replaceChildren(...values.map((text, index) => element("option", { value: index }, text.length > 60 ? `${text.slice(0, 59)}\u2026` : text)));
  select.value = chosen;
  select.addEventListener("change", () => listener(Number(select.value)));
}

function labelled(text, control) {
  return element("label", {}, text, control);
}

function startChoice(rebuild) {
  const controls = document.getElementById("choice");
  data.axes.forEach((axis, index) => {
    const select = element("select", { "data-axis": axis.label, title: axis.key });
    options(select, axis.words, choice.point[index], (value) => { choice.point[index] = value; rebuild(); });
    controls.append(labelled(axis.label, select));
  });
  const seed = element("select", { id: "seed" });
  options(seed, data.seeds, 0, (value) => { choice.seed = value; rebuild(); });
  const over = element("select", { id: "over" });
  options(over, ["time", "batch"], 0, (value) => {
    Object.assign(choice, { over: ["seconds", "batches"][value], x: null, zoom: null });
    rebuild();
  });
  controls.append(labelled("seed", seed), labelled("over", over));
  startRouters(rebuild);
}

function startRouters(rebuild) {
  const chips = document.getElementById("routers");
  data.routers.forEach((router, index) => {
    if (index >= MOST_LINES) choice.hidden.add(index);
    const chip = element("button", { type: "button", "aria-pressed": String(!choice.hidden.has(index)) }, swatch(routerInk(index)), named(router.name));
    chip.addEventListener("click", () => {
      if (!choice.hidden.delete(index)) choice.hidden.add(index);
      chip.setAttribute("aria-pressed", String(!choice.hidden.has(index)));
      rebuild();
    });
    chips.append(chip);
  });
}

const routerInk = (index) => data.routers[index].ink;

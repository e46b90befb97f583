// One plot over time. All plots share the cursor and the stretch of time: `moved` and `zoomed` tell the others.
const PLOT_HEIGHT = 220;

// `lines`: { name, colour, x, y, run }, values in the unit of the measure; x sorted.
function plotOf({ title, unit, lines, rules = [], shade = [], range = null }, { moved, zoomed }) {
  const largest = Math.max(...lines.map((line) => line.y.reduce((most, y) => (y === null ? most : Math.max(most, Math.abs(y))), 0)), 0);
  const scale = prefixed(largest, unit);
  const readout = element("ul", { class: "readout" });
  const canvas = element("div", { class: "canvas" });
  const over = choice.over === "seconds" ? "time in s" : "batch";
  const box = element("div", { class: "plot", tabindex: "0", role: "group", "aria-label": `${title}; arrow keys move the cursor, plus and minus zoom` },
    element("h3", {}, title, element("span", { class: "quiet small" }, scale.unit ? `  ${scale.unit}` : "")), readout, canvas);
  const scaled = lines.map((line) => ({ ...line, y: line.y.map((y) => (y === null ? null : y * scale.factor)) }));
  const values = scaled.map((line) => {
    const value = element("b");
    readout.append(element("li", {}, swatch(line.colour), named(line.name), value));
    return value;
  });
  const read = (x) => scaled.forEach((line, index) => { values[index].textContent = x === null ? "" : valueAt(line, x, scale); });
  let plot = null;
  const draw = () => {
    plot?.destroy();
    plot = drawn({ scaled, rules: rules.map((rule) => ({ ...rule, value: rule.value * scale.factor })), shade, range, over, unit: scale.unit, canvas, moved, zoomed });
  };
  return {
    box,
    draw,
    read,
    cursor: (x) => plot?.setCursor({ left: plot.valToPos(x, "x"), top: -10 }, false),
    zoom: (min, max) => plot?.setScale("x", { min, max }),
    resize: () => plot?.setSize({ width: canvas.clientWidth, height: PLOT_HEIGHT }),
    repaint: () => plot?.redraw(false),
    forget: () => plot?.destroy(),
  };
}

// The value nearest to x; of a reduced run the smallest and the largest of the column there.
function valueAt(line, x, scale) {
  if (isOver(line.x, x)) return "ended";
  const at = nearest(line.x, x);
  if (line.stride === 1) return worded(line.y[at], scale);
  const [a, b] = [line.y[at & ~1], line.y[at | 1] ?? line.y[at]];
  if (a === null || b === null || a === b) return worded(a ?? b, scale);
  return `${digits(Math.min(a, b))} \u2026 ${worded(Math.max(a, b), scale)}`;
}

function drawn({ scaled, rules, shade, range, over, unit, canvas, moved, zoomed }) {
  const [ink, line, ground] = ["--quiet", "--line", "--card"].map((name) => () => inked(`var(${name})`));
  const table = scaled.length === 1 ? [scaled[0].x, scaled[0].y] : uPlot.join(scaled.map(({ x, y }) => [x, y]));
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "12px system-ui", labelFont: "12px system-ui", labelSize: 18 };
  const nearestOf = (plot, series, hovered) => {
    if (series === 0 || plot.data[series][hovered] !== undefined) return hovered;
    const line = scaled[series - 1];
    return plot.data[0].indexOf(line.x[nearest(line.x, plot.data[0][hovered])]);
  };
  return new uPlot({
    width: canvas.clientWidth,
    height: PLOT_HEIGHT,
    legend: { show: false },
    scales: { x: { time: false }, y: { range: (_, min, max) => range ?? withRules(min, max) } },
    axes: [{ ...axis, label: over, size: 34 }, { ...axis, label: unit, size: 58, labelGap: 2 }],
    series: [{}, ...scaled.map(({ colour, dash }) => ({ stroke: () => inked(colour), width: 1.6, dash, spanGaps: false, points: { show: false } }))],
    cursor: { drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => zoomed(-Infinity, Infinity) }, dataIdx: nearestOf, points: { size: 7, fill: (plot, series) => inked(scaled[series - 1].colour), stroke: ground, width: 1.5 }, y: false },
    hooks: {
      draw: [(plot) => shades(plot, shade), (plot) => limits(plot, rules, ink, ground)],
      ready: [(plot) => plot.over.addEventListener("pointermove", (event) => moved(plot.posToVal(event.offsetX, "x")))],
      setSelect: [(plot) => {
        const { left, width } = plot.select;
        plot.setSelect({ left: 0, width: 0 }, false);
        if (width >= 4) zoomed(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
      }],
    },
  }, table, canvas);

  function withRules(min, max) {
    if (min === null) return [0, 1];
    // A limit is shown where the values come near it, and does not flatten them where they do not.
    const near = rules.map((rule) => rule.value).filter((value) => value < max + (max - min) + 1e-9 && value > min - (max - min));
    return uPlot.rangeNum(Math.min(min, ...near), Math.max(max, ...near), 0.08, true);
  }
}

function limits(plot, rules, ink, ground) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px system-ui`;
  rules.forEach((rule, index) => {
    const y = Math.round(plot.valToPos(rule.value, "y", true));
    if (!(y >= bbox.top && y <= bbox.top + bbox.height)) return;
    ctx.strokeStyle = ctx.fillStyle = ink();
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    // Labels of two limits that are close stand at two ends.
    ctx.textAlign = index % 2 ? "left" : "right";
    const [left, wide] = [bbox.left + (index % 2 ? 0 : bbox.width - ctx.measureText(rule.label).width - 8 * devicePixelRatio), ctx.measureText(rule.label).width + 8 * devicePixelRatio];
    // On a ground of its own: lines may be where the label is.
    const words = ctx.fillStyle;
    ctx.globalAlpha = 0.85;
    ctx.fillStyle = ground();
    ctx.fillRect(left, y - 15 * devicePixelRatio, wide, 14 * devicePixelRatio);
    ctx.globalAlpha = 1;
    ctx.fillStyle = words;
    ctx.fillText(rule.label, bbox.left + (index % 2 ? 4 * devicePixelRatio : bbox.width - 4 * devicePixelRatio), y - 4 * devicePixelRatio);
  });
  ctx.restore();
}

// Stretches of time as bars: { row, rows, from, until, colour } with rows counted from the top.
function shades(plot, shade) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { row, rows, from, until, colour } of shade) {
    const [left, right] = [plot.valToPos(from, "x", true), plot.valToPos(until, "x", true)];
    const height = bbox.height / rows;
    ctx.fillStyle = inked(colour);
    ctx.fillRect(left, bbox.top + row * height + height * 0.12, Math.max(right - left, devicePixelRatio), height * 0.76);
  }
  ctx.restore();
}

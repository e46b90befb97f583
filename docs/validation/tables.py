"""Tables and drawings of docs/VALIDATION.md from measured values."""

import chart

METRICS = (
    "energy_savings_percent", "clock_mean_mhz", "throttled_share", "lost_gpus", "latency_p99_s", "peak_temperature_degc",
    "pue", "inlet_step_max_k", "dropped_assignments",
)


def table(header, rows, right=()):
    """A Markdown table with padded columns; `right` are the columns of numbers."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(3, *(len(row[k]) for row in cells)) for k in range(len(header))]
    last = len(header) - 1 if len(header) - 1 not in right else None  # a last column of text is not padded
    widths = [3 if k == last else width for k, width in enumerate(widths)]
    pad = lambda text, k: text.rjust(widths[k]) if k in right else text.ljust(widths[k])  # noqa: E731
    rule = ["-" * (widths[k] - 1) + ":" if k in right else "-" * widths[k] for k in range(len(header))]
    lines = ["| " + " | ".join(pad(text, k) for k, text in enumerate(row)) + " |" for row in cells]
    return "\n".join([lines[0], "| " + " | ".join(rule) + " |", *lines[1:]])


def power(value):
    """4.4e-16 and the like; zero as 0."""
    return "0" if value == 0 else f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e").replace(".0e", "e")


def percent(value, digits=1):
    return f"{100 * value:+.{digits}f} %"


def worst(solver, *kinds):
    """(largest value, unit, bound) over all cases of some comparisons."""
    found = [entry for name, entry in solver.items() if name.split("/")[0] in kinds]
    return max(found, key=lambda entry: entry[0]) if found else None


# Comparisons of the solver: what it is called on the page, its lines, why the bound is what it is.
SOLVER = (
    ("G and C from the floorplan", ("G", "C", "G-ambient"), "64-bit rounding is 4e-16"),
    ("temperatures of a trace", ("exact", "floorplan-exact"), "the two references differ by 3e-9 K"),
    ("the same against HotSpot's own", ("transient",), "HotSpot's step error is up to 0.01 K"),
    ("steady state", ("steady", "floorplan-steady"), "HotSpot's file is rounded to 5e-10 K"),
    ("events at odd instants", ("events",), "as for a trace"),
    ("heat of these events", ("events-energy",), "the mark; 64-bit sums give 1e-12"),
    ("first crossings of the set", ("events-crossings",), "the set's own digits"),
    ("random crossings, instant", ("random-crossings",), "one tick of the simulator's time"),
    ("throttling, switches", ("throttle-switches",), "the set's own digits"),
    ("throttling, time held back", ("throttle-time",), "as for the switches"),
    ("throttling, energy", ("throttle-energy",), "1 ns late moves 4e-7 J of 1e4"),
    ("leakage, temperature", ("leakage",), "the mark; asked of the step control"),
    ("leakage, intervals of ms", ("leakage-intervals",), "as above, against Runge-Kutta"),
    ("leakage, energy balance", ("leakage-balance",), "as for events"),
    ("energy balance of a run", ("run-balance",), "the mark; 4 GPUs, leakage, fans"),
    ("reduced grid, 2,244 nodes", ("reduced/2244",), "of a rise of 66 K; all modes"),
    ("reduced grid, 10,212 nodes", ("reduced/10212",), "of 68 K; a larger basis"),
    ("reduced grid, 102,412 nodes", ("reduced/102412",), "of 67 K; a larger basis"),
)


def of_kind(solver, kinds):
    """The worst entry of a line of SOLVER that has a bound."""
    exact = [solver[kind] for kind in kinds if kind in solver]
    if kinds == ("random-crossings",):
        exact = [solver["random-crossings/instant"]] if "random-crossings/instant" in solver else []
    return max(exact, key=lambda entry: entry[0]) if exact else worst(solver, *kinds)


def solver_table(solver):
    rows = []
    for title, kinds, why in SOLVER:
        entry = of_kind(solver, kinds)
        if entry is None:
            rows.append([title, "not measured", "", "", why])
        else:
            rows.append([title, power(entry[0]), power(entry[2]), entry[1].replace("relative", "1"), why])
    return table(["comparison", "largest error", "bound", "unit", "why this bound"], rows, (1, 2))


def solver_facts(solver):
    count = lambda name: f"{int(solver[name][0]):,}" if name in solver else "?"  # noqa: E731
    nodes = ", ".join(f"`{name.split('/')[1]}` ({int(e[0])} nodes)" for name, e in sorted(solver.items()) if name.startswith("nodes/"))
    orders = ", ".join(
        f"{int(name.split('/')[1]):,} to {int(e[0])}"
        for name, e in sorted(solver.items(), key=lambda item: int(item[0].split("/")[1]) if "reduced-order" in item[0] else 0)
        if name.startswith("reduced-order")
    )
    return (
        f"Networks: {nodes}.\nRandom crossings: {count('random-crossings/found')} that cross, {count('random-crossings/none')} that do not; "
        f"none missed, none invented.\nThrottling: {count('throttle-instants/h100_air')} instants compared. "
        f"Events: {count('events-queries/h100_air')} temperatures, {count('events-thresholds/h100_air')} thresholds.\n"
        f"Reduction, nodes to modes: {orders}."
    )


def draw_solver(solver):
    """Largest error and bound of every comparison on one logarithmic axis."""
    entries = [(title, of_kind(solver, kinds)) for title, kinds, _ in SOLVER]
    entries = [(title, entry) for title, entry in entries if entry is not None]
    rows, left, top = len(entries), 250, 66
    panel = chart.Panel(left, top, 620, 24 * rows, (1e-17, 1e-1, True), (0, rows, False), "", ("error and bound, in the unit of each line", ""))
    # Rows have names, not numbers.
    across = f"L{left + 620:.1f}"
    panel.parts = [part for part in panel.parts if f'x="{left - 7:.1f}"' not in part and across not in part]
    for k, (title, entry) in enumerate(entries):
        at = rows - k - 0.5
        panel.text(left - 10, panel.y(at) + 4, title, "end")
        value = max(entry[0], 1.2e-17)
        panel.line(panel.x(value), panel.y(at), panel.x(entry[2]), panel.y(at), "#d6d3d1", ' stroke-width="2"')
        panel.dots([(value, at)], chart.COLOURS[1], 5)
        x, y = panel.x(entry[2]), panel.y(at)
        panel.line(x, y - 8, x, y + 8, chart.COLOURS[0], ' stroke-width="3"')
        unit = {"relative": "", "K": " K", "s": " s"}.get(entry[1], "")
        panel.text(left + 632, y + 4, f"{power(entry[0])}{unit}", "start", chart.GREY)
    marks = chart.legend(left, 50, [(chart.COLOURS[1], "largest error measured", "dot"), (chart.COLOURS[0], "bound of the test", "line")])
    return chart.svg(960, top + 24 * rows + 56, "Thermal solver: largest errors and bounds", [panel, marks])


def ordered(tracks):
    """Recordings that were fitted first."""
    first = ("single-1", "holds-3", "single-2", "pair-1", "pair-2")
    return sorted(tracks.items(), key=lambda item: first.index(item[0]) if item[0] in first else len(first))


def sensor_rows(name, track):
    rows = []
    for sensor, key in (("GPU", "gpu"), ("HBM", "hbm")):
        drift, alone = track["with_drift"][key], track["ambient_alone"][key]
        if not drift or not drift["continuous"]:
            continue
        size, start = drift["continuous"], alone["continuous"]
        aliased = f'{drift["aliased"]["rmse"]:.2f}' if drift["aliased"] else "-"
        rows.append([
            f'{name} GPU {track["gpu"]}', sensor, f'{size["rmse"]:.2f}', f'{size["p95"]:.2f}', f'{size["max"]:.1f}',
            f'{size["bias"]:+.2f}', aliased, f'{start["rmse"]:.2f}', f'{start["p95"]:.2f}', f'{start["max"]:.1f}',
        ])
    return rows


def recordings_table(recordings):
    rows = [row for name, tracks in ordered(recordings["tracks"]) for track in tracks for row in sensor_rows(name, track)]
    header = ["recording", "sensor", "RMSE", "95 %", "max", "bias", "aliased", "RMSE 10 s", "95 %", "max"]
    return table(header, rows, tuple(range(2, 10)))


def power_table(recordings):
    rows = []
    for name, tracks in ordered(recordings["tracks"]):
        for track in tracks:
            energy, clock = track["energy"], track["clock_at_cap"]
            knots = [value for _, value in track["with_drift"]["ambient"]]
            predicted = clock and clock["predicted_mhz"]
            rows.append([
                f'{name} GPU {track["gpu"]}', f'{track["seconds"]:.0f}', f'{energy["counter_j"] / 1e3:.1f}', f'{energy["error_percent"]:+.2f} %',
                f'{clock["measured_mhz"]:.0f}' if clock else "-",
                f'{predicted:.0f} ({percent(predicted / clock["measured_mhz"] - 1)})' if predicted else "-",
                "measured" if track["memory_power_is_measured"] else "by law", f"{min(knots):.1f} to {max(knots):.1f}",
            ])
    header = ["recording", "s", "kJ", "1 s mean", "MHz at cap", "predicted", "HBM power", "ambient, degC"]
    return table(header, rows, (1, 2, 3, 4, 5))


def fit_table(recordings):
    rows = []
    for name, text in (("single-1", "`single-1` alone"), ("both", "`single-1` and `holds-3`")):
        for order in recordings["fits"][name]["orders"]:
            for held in order["by_recording"]:
                mark = "*" if order["chosen"] else ""
                rows.append([
                    text, f'{order["nodes"]}{mark}', held["recording"], f'{held["gpu_rmse"]:.2f}', f'{held["hbm_rmse"]:.2f}',
                    f'{held["gpu_rmse_ambient_carried"]:.2f}', f'{held["hbm_rmse_ambient_carried"]:.2f}',
                ])
    return table(["fitted to", "nodes", "held out of", "GPU", "HBM", "GPU, carried", "HBM, carried"], rows, (1, 3, 4, 5, 6))


def fit_facts(recordings):
    lines = []
    for name, text in (("single-1", "`single-1` alone"), ("both", "both")):
        fit = recordings["fits"][name]
        size = "; ".join(
            f'{check["file"].rsplit("/", 1)[-1].removesuffix(".csv.gz")} GPU {check["with_drift"]["gpu"]["continuous"]["rmse"]:.2f} K, '
            f'HBM {check["with_drift"]["hbm"]["continuous"]["rmse"]:.2f} K'
            for check in fit["checks"]
        )
        tau = ", ".join(f"{t:.2g}" for t in fit["time_constants"])
        refused = [p["key"] for p in fit["parameters"] if p.get("plus_minus") is None]
        refused += [note.split("`")[1] for note in fit["notes"] if "is refused" in note]
        refused = ", ".join(f"`{key}`" for key in dict.fromkeys(refused)) or "none"
        lines.append(f"- Fitted to {text}: {size}. Time constants {tau} s. Refused: {refused}.")
    return "\n".join(lines)


def kernels_table(kernels):
    rows = []
    for entry in [*kernels["shapes"], {**kernels, "shape": None}]:
        shape = entry["shape"]
        title = "all" if shape is None else f'{shape["d_model"]} x {shape["d_ff"]}, {shape["top_k"]} of {shape["experts"]}'
        dtype = "" if shape is None else entry.get("dtype", "all")
        errors = [f'{100 * entry[kind][key]:.1f} %' for kind in ("balanced", "skewed") for key in ("median", "p90")]
        rows.append([title, dtype, f'{entry["balanced"]["rows"] + entry["skewed"]["rows"]:,}', *errors, f'{100 * entry["sign_agreement"]:.0f} %'])
    header = ["d_model x d_ff, k of experts", "type", "rows", "median", "90 %", "skewed", "90 %", "sign"]
    return table(header, rows, tuple(range(2, 8)))


def held_out_table(held_out):
    rows = []
    for entry in held_out:
        names = [f"{a} x {b}" for a, b, *_ in entry["shapes"]]
        errors = [f"{m:.1f} / {p:.1f} %" for _, _, m, p in entry["shapes"]]
        median, p90, _, _, sign = entry["together"]
        rows.append([", ".join(names), *errors, f"{median:.1f} / {p90:.1f} %", f"{sign:.0f} %"])
    return table(["shapes left out", "the first", "the second", "together", "sign"], rows, (1, 2, 3, 4))


TYPES = ("bf16", "fp8", "fp8-block")


def draw_kernels(points):
    """Predicted against measured kernel times, a panel for each number format."""
    low, high = 1e-5, 1e-1
    low = min([low, *(p["seconds"] * 0.9 for p in points), *(p["predicted_seconds"] * 0.9 for p in points)])
    high = max(p[key] for p in points for key in ("seconds", "predicted_seconds")) * 1.3
    panels, notes = [], []
    for k, dtype in enumerate(TYPES):
        mine = [p for p in points if p["dtype"] == dtype]
        axis = (low * 1e3, high * 1e3, True)
        panel = chart.Panel(76 + 316 * k, 92, 240, 240, axis, axis, f"{dtype}, {len(mine):,} kernels", ("measured (ms)", "predicted (ms)" if k == 0 else ""))
        for factor, style in ((1.0, ""), (1.35, ' stroke-dasharray="4 3"'), (1 / 1.35, ' stroke-dasharray="4 3"')):
            a, b = (max(low, low / factor), min(high, high / factor))
            panel.line(panel.x(a * 1e3), panel.y(a * factor * 1e3), panel.x(b * 1e3), panel.y(b * factor * 1e3), "#a8a29e", style)
        for balanced, colour in ((False, chart.COLOURS[0]), (True, chart.COLOURS[1])):
            panel.cloud([(p["seconds"] * 1e3, p["predicted_seconds"] * 1e3) for p in mine if p["balanced"] == balanced], colour)
        panels.append(panel)
    notes.append(chart.legend(76, 56, [
        (chart.COLOURS[1], "balanced", "dot"), (chart.COLOURS[0], "skewed (power law)", "dot"), ("#a8a29e", "equal", "line"), ("#a8a29e", "35 % off", "dash"),
    ]))
    return chart.svg(980, 390, "MoE kernels of an H200: model against measurement", [*panels, *notes])


def moe_entries(layers, name):
    return [entry for entry in layers[name]["layers"] if entry["name"].startswith("moe table")]


def tokens_of(entry):
    return int(entry["name"].split(",")[1].split()[0])


def moe_table(layers):
    rows = []
    for name in ("single-1", "pair-2"):
        for entry in moe_entries(layers, name):
            gpu = entry["name"].split("GPU ")[1] if "GPU" in entry["name"] else "0"
            rows.append([
                f"{name} GPU {gpu}", tokens_of(entry), f'{entry["seconds"] * 1e3:.3f}', percent(entry["time_error"]),
                f'{entry["joules"]:.3f}', percent(entry["energy_error"]), f'{entry["watts"][0]:.0f}', f'{entry["predicted_watts"][0]:.0f}',
                f'{entry["predicted_mhz"][0]:.0f}',
            ])
    for entry in layers["holds-3"]["layers"]:
        rows.append([
            "holds-3 GPU 0", entry["name"].removeprefix("moe-n"), f'{entry["seconds"] * 1e3:.3f}', percent(entry["time_error"]),
            f'{entry["joules"]:.3f}', percent(entry["energy_error"]), f'{entry["watts"][0]:.0f}', f'{entry["predicted_watts"][0]:.0f}',
            f'{entry["predicted_mhz"][0]:.0f}',
        ])
    header = ["recording", "tokens", "ms", "error", "J", "error", "W", "model W", "model MHz"]
    return table(header, rows, tuple(range(1, 9)))


def skew_table(layers):
    rows = []
    for entry in layers["single-1"]["layers"]:
        if entry["name"].startswith("moe-skew"):
            rows.append([entry["name"].removeprefix("moe-skew-").replace("-", " "), f'{entry["seconds"] * 1e3:.3f}',
                         percent(entry["time_error"]), f'{entry["joules"]:.3f}', percent(entry["energy_error"])])
    return table(["tokens of the eight experts", "ms", "error", "J", "error"], rows, (1, 2, 3, 4))


def split_entries(entries):
    """Layers split over two GPUs by size: tokens -> [(share of the heavy GPU, entry)]."""
    sizes = {}
    for entry in entries:
        if entry["name"].startswith("ep-"):
            heavy, light = (int(part) for part in entry["name"].split("-")[1:3])
            sizes.setdefault(heavy + light, []).append((heavy / (heavy + light), entry))
    return {size: sorted(each, key=lambda pair: pair[0]) for size, each in sorted(sizes.items())}


def split_table(layers):
    rows = []
    for size, each in split_entries(layers["pair-1"]["layers"]).items():
        even = each[0][1]
        for share, entry in each:
            ratio = entry["joules"] / even["joules"]
            model = entry["predicted_joules"] / even["predicted_joules"]
            rows.append([
                f"{size:,}", f"{100 * share:.0f}/{100 - 100 * share:.0f}", f'{entry["seconds"] * 1e3:.3f}', percent(entry["time_error"]),
                f'{entry["joules"]:.3f}', percent(entry["energy_error"]), f"{ratio:.3f}", f"{model:.3f}",
                f'{entry["watts"][1]:.0f}', f'{entry["predicted_watts"][1]:.0f}',
            ])
    header = ["tokens", "split", "ms", "error", "J", "error", "x 50/50", "model", "light W", "model"]
    return table(header, rows, tuple(range(2, 10)))


def draw_split(entries):
    """Energy per layer and power of the light GPU against the split."""
    sizes = split_entries(entries)
    shares = (48, 92, False)
    energy = chart.Panel(78, 100, 360, 270, shares, (0.95, 1.3, False), "energy per layer", ("share of the heavy GPU (%)", "energy / measured energy of 50/50"))
    light = chart.Panel(540, 100, 360, 270, shares, (0, 800, False), "power of the light GPU", ("share of the heavy GPU (%)", "power (W)"))
    light.line(light.x(48), light.y(700), light.x(92), light.y(700), "#a8a29e", ' stroke-dasharray="4 3"')
    light.text(light.x(91.5), light.y(700) - 5, "power cap", "end", chart.GREY)
    marks = []
    for colour, (size, each) in zip(chart.COLOURS, sizes.items()):
        even = each[0][1]["joules"]
        energy.curve([(100 * s, e["predicted_joules"] / even) for s, e in each], colour)
        energy.dots([(100 * s, e["joules"] / even) for s, e in each], colour)
        light.curve([(100 * s, e["predicted_watts"][1]) for s, e in each], colour)
        light.dots([(100 * s, e["watts"][1]) for s, e in each], colour)
        marks.append((colour, f"{size:,} expert-tokens", "dot"))
    marks += [("#78716c", "dot: measured", "dot"), ("#78716c", "line: model", "line")]
    return chart.svg(940, 430, "One MoE layer split over two H200s (pair-1)", [energy, light, chart.legend(78, 58, marks)])


def draw_moe(layers):
    """Energy per expert-token against tokens an expert: measured on several GPUs, and the model."""
    axis_x, axis_y = (0.7, 6000, True), (0.2, 100, True)
    energy = chart.Panel(78, 100, 360, 270, axis_x, axis_y, "energy per token and expert", ("tokens an expert", "energy (mJ)"))
    error = chart.Panel(540, 100, 360, 270, axis_x, (-20, 20, False), "model against measurement", ("tokens an expert", "error of the energy (%)"))
    error.line(error.x(0.7), error.y(0), error.x(6000), error.y(0), "#78716c")
    for bound in (-8, 8):
        error.line(error.x(0.7), error.y(bound), error.x(6000), error.y(bound), "#a8a29e", ' stroke-dasharray="4 3"')
    single = moe_entries(layers, "single-1")
    energy.curve([(tokens_of(e), e["predicted_joules"] * 1e3 / (8 * tokens_of(e))) for e in single], "#78716c")
    for colour, name in zip(chart.COLOURS, ("single-1", "pair-2")):
        each = moe_entries(layers, name)
        energy.dots([(tokens_of(e), e["joules"] * 1e3 / (8 * tokens_of(e))) for e in each], colour)
        error.dots([(tokens_of(e), 100 * e["energy_error"]) for e in each], colour)
    marks = [(chart.COLOURS[0], "single-1", "dot"), (chart.COLOURS[1], "pair-2, both GPUs", "dot"), ("#78716c", "model", "line"), ("#a8a29e", "8 %", "dash")]
    return chart.svg(940, 430, "One MoE layer of eight experts on one H200", [energy, error, chart.legend(78, 58, marks)])


def scenarios_table(scenarios):
    rows = []
    for name, each in scenarios.items():
        for row in each:
            get = lambda key, row=row: row["metrics"].get(key, {}).get("mean")  # noqa: E731
            saved, interval = get("energy_savings_percent"), row["metrics"].get("energy_savings_percent", {}).get("ci95")
            point = ", ".join(value for value in row["point"].values())
            router = row["router"].replace("price on sampled heat", "heat price") + (f" {point}" if point else "")
            rows.append([
                f"`{name}`", router, "-" if row["router"] == "baseline" else f"{saved:+.2f} ± {interval or 0:.2f} %",
                f'{get("clock_mean_mhz"):.0f}', f'{100 * get("throttled_share"):.0f} %', f'{get("lost_gpus"):.0f}',
                f'{1e3 * get("latency_p99_s"):.1f}', f'{get("peak_temperature_degc"):.1f}',
            ])
    header = ["scenario", "router", "saved", "MHz", "throttled", "lost", "p99 ms", "peak degC"]
    return table(header, rows, tuple(range(2, 8)))


def marks_table(values):
    """The marks that were set before, and whether they are met."""
    rows = []

    def mark(what, found, bound, met):
        rows.append([what, found, bound, {True: "yes", False: "**no**", None: "?"}[met]])

    solver = (values["tests"] or {}).get("solver", {})
    for what, kinds in (
        ("G and C from floorplans, relative", ("G", "C", "G-ambient")), ("temperatures against the exact reference", ("exact", "floorplan-exact")),
        ("temperatures against HotSpot's transient", ("transient",)), ("steady state", ("steady", "floorplan-steady")),
        ("random crossings, instant", ("random-crossings",)), ("energy balance of a run, relative", ("run-balance",)),
        ("exponential leakage", ("leakage",)),
    ):
        entry = of_kind(solver, kinds)
        unit = {"K": " K", "s": " s"}.get(entry[1], "") if entry else ""
        mark(what, f"{power(entry[0])}{unit}" if entry else "not measured", f"{power(entry[2])}{unit}" if entry else "", entry[0] <= entry[2] if entry else None)
    if values["recordings"]:
        tracks, fits = values["recordings"]["tracks"], values["recordings"]["fits"]
        rmse = lambda track: [track["with_drift"][s]["continuous"]["rmse"] for s in ("gpu", "hbm")]  # noqa: E731
        pair = lambda found: f"{found[0]:.2f} / {found[1]:.2f} K"  # noqa: E731
        found = rmse(fits["single-1"]["checks"][0])
        mark("`single-1` fitted to itself, GPU / HBM", pair(found), "0.8 K", max(found) <= 0.8)
        held = next(o for o in fits["single-1"]["orders"] if o["chosen"])["by_recording"][0]
        found = [held["gpu_rmse"], held["hbm_rmse"]]
        mark("the same on segments held out", pair(found), "1.0 K", max(found) <= 1.0)
        for name in ("single-1", "holds-3"):
            found = rmse(tracks[name][0])
            mark(f"one profile for both: `{name}`", pair(found), "1.3 K", max(found) <= 1.3)
        others = {f"`{name}` GPU {t['gpu']}": rmse(t) for name in ("single-2", "pair-1", "pair-2") for t in tracks[name]}
        for name, found in others.items():
            mark(f"other devices: {name}", pair(found), "1.3 K *", max(found) <= 1.3)
    if values["layers"]:
        for name in ("single-1", "holds-3", "pair-1", "pair-2"):
            layer = values["layers"][name]
            time, energy = layer["worst_time"], layer["worst_energy"]
            star = "" if name in ("single-1", "holds-3") else " *"
            mark(f"MoE layers of `{name}`, worst time / energy", f"{100 * time:.1f} / {100 * energy:.1f} %", f"10 / 8 %{star}", time <= 0.10 and energy <= 0.08)
        sizes = split_entries(values["layers"]["pair-1"]["layers"])
        rises = all(a[1]["predicted_joules"] < b[1]["predicted_joules"] for each in sizes.values() for a, b in zip(each, each[1:]))
        mark("energy of a split layer rises with imbalance", "at every step" if rises else "not always", "50/50 to 90/10", rises)
        light = max(each[-1][1]["predicted_watts"][1] for each in sizes.values())
        mark("the light GPU of 90/10, model", f"at most {light:.0f} W", "well below 700 W", light < 490)
    held_out = (values["tests"] or {}).get("held_out") or []
    if held_out:
        median, p90 = (max(shape[k] for entry in held_out for shape in entry["shapes"]) for k in (2, 3))
        mark("kernels, two of five shapes left out, worst", f"{median:.1f} / {p90:.1f} %", "15 / 35 %", median <= 15 and p90 <= 35)
        sign = min(entry["together"][4] for entry in held_out)
        mark("sign of skewed against balanced, worst", f"{sign:.0f} %", "80 %", sign >= 80)
    return table(["mark", "found", "asked", "met"], rows)


def tiers_table(tiers):
    """The upper tiers beside the tier `token`."""
    head = ["case", "tier", "router", "energy", "mean temperature", "variance of a batch's energy", "peaks: distance, rejected at"]
    return "\n".join(
        ["| " + " | ".join(head) + " |", "|---|---|---|---:|---:|---:|---:|"]
        + ["| " + " | ".join(row) + " |" for row in tiers["rows"]]
    )


def fill(values, dates):
    """Texts of the placeholders of page.md."""
    missing = "Not measured yet: see the head of `docs/validation/generate.py`."
    tests = values["tests"] or {"solver": {}, "held_out": []}
    if tests["solver"]:
        import pathlib
        (pathlib.Path(__file__).parent / "solver.svg").write_text(draw_solver(tests["solver"]))
    filled = {
        "marks": marks_table(values),
        "solver": solver_table(tests["solver"]) if tests["solver"] else missing,
        "solver-facts": solver_facts(tests["solver"]),
        "held-out": held_out_table(tests["held_out"]) if tests["held_out"] else missing,
    }
    for part, texts in (
        ("recordings", {"recordings": recordings_table, "power": power_table, "fits": fit_table, "fit-facts": fit_facts}),
        ("kernels", {"kernels": kernels_table}),
        ("layers", {"moe": moe_table, "skew": skew_table, "split": split_table}),
        ("scenarios", {"scenarios": scenarios_table}),
        ("tiers", {"tiers": tiers_table}),
    ):
        for name, text in texts.items():
            filled[name] = text(values[part]) if values[part] else missing
    filled.update({f"{part}-date": date for part, date in dates.items()})
    return filled

#!/usr/bin/env python3
"""Writes docs/VALIDATION.md and its drawings: measures, fills in docs/validation/page.md, and keeps what was measured.

From the root of the repository, with nothing but Python's standard library:

    python docs/validation/generate.py                      # everything; builds with cargo, takes minutes
    python docs/validation/generate.py --program PATH       # a program that is built already
    python docs/validation/generate.py --only recordings    # the other parts as they were measured last

A part whose data is absent keeps its last numbers (docs/validation/measured.json) and says so. The same program and the same data
give the same bytes, except for the last digits of what tests measure, which depend on the machine.
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
import chart  # noqa: E402
import tables  # noqa: E402

PROFILE = "scenarios/hardware/h200-sxm.toml"
DATA = "scenarios/data/h200/"
RECORDINGS = ("single-1", "holds-3", "pair-1", "pair-2", "single-2")
LAYERS = ("single-1", "holds-3", "pair-1", "pair-2")
SCENARIOS = ("device", "infeasible-cap", "cooling-failure", "airflow-8gpu")
KERNELS = "../shared/data/aiconfigurator-h200/moe_kernels.csv.gz"

TESTS = (
    "-p isotherm-core -p isotherm-floorplan --test hotspot --test leakage --test reduce -- --nocapture",
    "-p isotherm-calibration --test kernels shapes_that -- --nocapture",
    "-p isotherm --test it energy_in_is_heat -- --nocapture",
)
SLOW_TEST = "-p isotherm-floorplan --test reduce -- --ignored --nocapture"


class Absent(Exception):
    """A part cannot be measured here; the text says why."""


def call(command, what):
    """Output of a command, from the root of the repository."""
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise Absent(f"{what}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return done.stdout


def significant(value, digits=5):
    """Numbers as they are kept: enough digits for every table."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, dict):
        return {key: significant(entry, digits) for key, entry in value.items()}
    if isinstance(value, list):
        return [significant(entry, digits) for entry in value]
    return value


def measure_tests(options):
    """`measured:` lines of the tests, and the held-out lines of the kernels."""
    if options.tests:
        text = "".join(pathlib.Path(path).read_text() for path in options.tests)
    else:
        text = ""
        for arguments in TESTS + ((SLOW_TEST,) if options.slow else ()):
            try:
                text += call(["cargo", "test", "--release", *arguments.split()], "tests")
            except Absent as absent:
                print(absent, file=sys.stderr)
    solver = {}
    for name, value, unit, bound in re.findall(r"measured: (\S+) (\S+) (\w+)(?: bound (\S+))?", text):
        solver[name] = [float(value), unit, float(bound) if bound else None]
    solver = dict(sorted(solver.items()))
    pattern = r"held out (.+?); together ([\d.]+)/([\d.]+) %, skewed ([\d.]+)/([\d.]+) %, sign ([\d.]+) %"
    held_out = []
    for shapes, *numbers in re.findall(pattern, text):
        each = re.findall(r"(\d+) x (\d+): ([\d.]+)/([\d.]+) %", shapes)
        held_out.append({"shapes": [[int(a), int(b), float(m), float(p)] for a, b, m, p in each],
                         "together": [float(n) for n in numbers]})
    if not solver and not held_out:
        raise Absent("no test printed a measurement")
    return {"solver": solver, "held_out": held_out}


def measure_tiers(options):
    """Rows `| case | tier | router | ... |` of the test that compares tiers."""
    if options.tests:
        text = "".join(pathlib.Path(path).read_text() for path in options.tests)
    else:
        command = ["cargo", "test", "--release", "--test", "it", "--", "--include-ignored", "tier_equivalence", "--nocapture"]
        done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            raise Absent("tiers: a bound does not hold")
        text = done.stdout + done.stderr
    # The harness may have begun the line.
    rows = [[cell.strip() for cell in row.split("|")] for row in re.findall(r"\| (\S+ \| `.*) \|", text)]
    if not rows:
        raise Absent("no test compared tiers")
    return {"rows": sorted(rows, key=lambda row: (row[1], row[0], row[2]))}


def check(options, file, *more):
    """`profile check` of the H200's profile as JSON."""
    command = [*options.program, "profile", "check", PROFILE, file, "--json", *more]
    return json.loads(call(command, f"profile check {file}"))


def measure_recordings(options):
    """Temperatures, energy and clock of every recording, drawn; and the fits."""
    files = {}
    for name in RECORDINGS:
        with tempfile.TemporaryDirectory() as folder:
            drawing = pathlib.Path(folder) / "check.svg"
            files[name] = check(options, f"{DATA}{name}.csv.gz", "--plot", str(drawing))["tracks"]
            (HERE / f"{name}.svg").write_text(chart.thin(drawing.read_text()))
    fits = {}
    for name, traces in (("single-1", ["single-1"]), ("both", ["single-1", "holds-3"])):
        with tempfile.TemporaryDirectory() as folder:
            files_of = [f"{DATA}{trace}.csv.gz" for trace in traces]
            command = [*options.program, "profile", "fit", *files_of, "--json", "-o", f"{folder}/profile.toml"]
            fit = json.loads(call(command, "profile fit"))
            fits[name] = {key: fit[key] for key in ("orders", "parameters", "time_constants", "checks", "notes")}
    return {"tracks": files, "fits": fits}


def measure_kernels(options):
    """Errors of kernel times by shape, drawn."""
    path = os.environ.get("ISOTHERM_KERNELS", str(ROOT / KERNELS))
    if not pathlib.Path(path).exists():
        raise Absent(f"kernels: {path} is not here; set ISOTHERM_KERNELS to a table of kernels")
    report = check(options, path)["layers"][0]["kernels"]
    points = report.pop("points", None)
    if points:
        (HERE / "kernels.svg").write_text(tables.draw_kernels(points))
    return report


def measure_layers(options):
    """Time and energy of MoE layers, on one GPU and split over two, drawn."""
    layers = {}
    for name in LAYERS:
        report = check(options, f"{DATA}{name}.json")["layers"][0]["phases"]
        layers[name] = {key: report[key] for key in ("layers", "worst_time", "worst_energy")}
    (HERE / "split.svg").write_text(tables.draw_split(layers["pair-1"]["layers"]))
    (HERE / "moe.svg").write_text(tables.draw_moe(layers))
    return layers


def measure_scenarios(options):
    """The summaries of the device scenarios."""
    rows = {}
    for name in SCENARIOS:
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "out"
            call([*options.program, "run", f"scenarios/{name}.toml", "--out", str(out)], name)
            summary = json.loads((out / "summary.json").read_text())
            rows[name] = [
                {"router": row["router"], "point": row["point"], "seeds": row["seeds"],
                 "metrics": {key: row["metrics"][key] for key in tables.METRICS if key in row["metrics"]}}
                for row in summary["rows"]
            ]
    return rows


PARTS = {
    "tests": measure_tests,
    "recordings": measure_recordings,
    "kernels": measure_kernels,
    "layers": measure_layers,
    "scenarios": measure_scenarios,
    "tiers": measure_tiers,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", help="isotherm, built; default: cargo run --release -q --")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure again")
    parser.add_argument("--tests", nargs="+", metavar="LOG", help="read saved output of the tests instead of running them")
    parser.add_argument("--slow", action="store_true", help="also the test with 100,000 nodes (minutes)")
    options = parser.parse_args()
    options.program = [options.program] if options.program else ["cargo", "run", "--release", "-q", "--"]

    kept_file = HERE / "measured.json"
    kept = json.loads(kept_file.read_text()) if kept_file.exists() else {}
    stale = {}
    for part in PARTS:
        if part not in options.only:
            continue
        print(f"measuring {part}", file=sys.stderr)
        try:
            values = significant(PARTS[part](options))
        except Absent as absent:
            print(absent, file=sys.stderr)
            stale[part] = kept.get(part, {}).get("date")
            continue
        before = kept.get(part, {})
        if part == "tests":
            # The slow test, or data that is not here: the numbers of the last time.
            old = before.get("values", {"solver": {}, "held_out": []})
            values["solver"] = dict(sorted({**old["solver"], **values["solver"]}.items()))
            values["held_out"] = values["held_out"] or old["held_out"]
        if before.get("values") != values:
            kept[part] = {"date": datetime.date.today().isoformat(), "values": values}
    kept = {part: kept[part] for part in PARTS if part in kept}
    kept_file.write_text(json.dumps(kept, separators=(",", ":")).replace('},"', '},\n"') + "\n")

    page = (HERE / "page.md").read_text()
    values = {part: kept.get(part, {}).get("values") for part in PARTS}
    dates = {part: kept.get(part, {}).get("date", "never") for part in PARTS}
    filled = tables.fill(values, dates)
    page = re.sub(r"\{\{([a-z-]+)\}\}", lambda match: filled[match.group(1)], page)
    note = "<!-- Written by docs/validation/generate.py from docs/validation/page.md: change those, not this. -->\n"
    (ROOT / "docs/VALIDATION.md").write_text(note + page)
    for part, date in stale.items():
        print(f"{part}: the numbers of {date} stay", file=sys.stderr)


if __name__ == "__main__":
    main()

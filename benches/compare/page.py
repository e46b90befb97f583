#!/usr/bin/env python3
"""Writes docs/PERFORMANCE.md: the words of a template, the numbers of a run, and figures of how they grow. Standard library only.

    page.py NUMBERS.jsonl TEMPLATE PAGE

In the template `{{name}}` on a line of its own is a table of `TABLES` below, and inside a line a number or a word. Figures lie beside the numbers.
"""

import re
import sys
from pathlib import Path

from bounds import bounds
from figures import figures
from measured import Measured, shown


def table(head, rows):
    if not rows:
        return "*Not measured in this run.*"
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def against(measured, bench, first, unit, inverse=False):
    """Rows by size, columns by contestant: the first with its number, the others as how many times as much they take."""
    cases, names = measured.cases(bench), [name for name in measured.names(bench) if name != first]
    rows = []
    for case in cases:
        ratios = [measured.ratio(bench, case, first, name) if inverse else measured.ratio(bench, case, name, first) for name in names]
        cells = [shown(ratio) + " x" if ratio else "-" for ratio in ratios]
        own = measured.median(bench, case, first)
        rows.append([sized(case), shown(own) if own is not None else "-"] + cells)
    return table([sizes(bench), f"{first}, {unit}"] + names, rows)


def sizes(bench):
    return {"hold": "pending events", "crossings": "GPUs", "ticks": "GPUs", "thermal": "nodes", "fork": "GPUs and events", "save": "GPUs and events"}.get(bench, "")


def sized(case):
    return f"{int(case):,}" if case.isdigit() else case


def whole(measured, bench, head):
    rows = []
    for case in measured.cases(bench):
        for name in measured.names(bench):
            seconds = measured.median(bench, case, name)
            if seconds is None:
                continue
            memory, written = measured.median(f"{bench} memory", case, name), measured.median(f"{bench} written", case, name)
            rows.append([f"{name}, {sized(case)}", shown(seconds), shown(memory), shown(written) if written else "-"])
    return table([head, "seconds", "peak memory, MiB", "written, MB"], rows)


def gate(measured):
    rows = []
    for case in measured.cases("product"):
        product = measured.median("product", case, "isotherm")
        others = [measured.ratio("product", case, "isotherm", name) for name in ("candle 0.11", "NumPy", "PyTorch")]
        rows.append([case, shown(product), percent(measured.median("product share", case, "isotherm"))] + [shown(ratio) + " x" if ratio else "-" for ratio in others])
    return table(["gate product", "isotherm, GFLOP/s", "of the peak", "as fast as candle 0.11", "as NumPy", "as PyTorch"], rows)


def decision(measured):
    rows = []
    for case in measured.cases("select"):
        cells = [shown(measured.median("select", case, "isotherm")), percent(measured.median("select share", case, "isotherm"))]
        for bench, name in (("select", "NumPy"), ("select", "PyTorch"), ("ttt", "PyTorch")):
            ratio = measured.ratio(bench, case, name, "isotherm")
            cells.append(shown(ratio) + " x" if ratio else "-")
        cells.append(shown(measured.median("ttt", case, "isotherm")))
        rows.append([case] + cells)
    head = ["decision", "isotherm, us a batch", "of the product", "NumPy", "PyTorch", "learning step: PyTorch", "isotherm, us with product"]
    return table(head, rows)


def tiers(measured):
    rows = []
    for case in measured.cases("tiers"):
        cells = [shown(measured.median("tiers", case, name)) for name in ("token", "counts", "mean-field")]
        ratio = measured.ratio("tiers", case, "token", "counts"), measured.ratio("tiers", case, "token", "mean-field")
        shared = percent(measured.median("eight routers", case, "isotherm"))
        rows.append([case] + cells + [shown(r) + " x" for r in ratio] + [shared])
    return table(["a batch of 2,048 tokens", "token, us", "counts", "mean-field", "counts faster", "mean-field faster", "eight routers, of eight runs"], rows)


def percent(share):
    return "-" if share is None else f"{100 * share:.0f} %"


def claims(measured):
    rows = [[what, found, "holds" if held else "**does not hold**"] for what, found, held in bounds(measured)]
    return table(["bound", "measured", ""], rows)


def machine(measured):
    run = measured.run
    peak = shown(measured.median("machine", "multiply-adds of one core", "peak"))
    latency = ", ".join(f"{shown(measured.median('latency', case, 'load'))} ns in {case}" for case in measured.cases("latency"))
    python = ", ".join(f"{name} {run[key]}" for name, key in (("NumPy", "numpy"), ("SciPy", "scipy"), ("PyTorch", "torch"), ("SimPy", "simpy")) if run[key])
    vectors = "AVX-512" if run["avx512"] else "AVX2"
    return (
        f"Machine: {run['cpu']}, {run['cores']} cores, {vectors}; load {run['load']} at the end. One core does {peak} GFLOP/s of multiply-adds in f32; a load that waits for the one before "
        f"takes {latency}. rustc {run['rustc']}, Python {run['python']}, {python}. {run['turns']} turns, {run['date']}."
    )


TABLES = {
    "machine": machine,
    "bounds": claims,
    "hold": lambda m: against(m, "hold", "isotherm", "ns an event"),
    "crossings": lambda m: against(m, "crossings", "isotherm", "ns an event"),
    "ticks": lambda m: against(m, "ticks", "isotherm", "ns a GPU"),
    "fork": lambda m: against(m, "fork", "isotherm", "ms"),
    "save": lambda m: against(m, "save", "isotherm", "ms"),
    "gate": gate,
    "decision": decision,
    "tiers": tiers,
    "thermal": lambda m: against(m, "thermal", "isotherm", "us a row"),
    "classic": lambda m: whole(m, "classic", "the classic experiment"),
    "sweep": lambda m: whole(m, "sweep", "the sweep"),
    "fleet": lambda m: whole(m, "fleet", "a fleet"),
    "gpus": lambda m: whole(m, "gpus", "GPUs, for a minute"),
}


def main():
    numbers, template, page = map(Path, sys.argv[1:])
    measured = Measured(numbers)
    drawn = figures(measured, numbers.parent)
    words = {name: lambda name=name: TABLES[name](measured) for name in TABLES}
    words["figures"] = lambda: "\n\n".join(f"![{title}]({numbers.parent.name}/{name})" for name, title in drawn)

    def fill(found):
        name = found.group(1)
        if name in words:
            return words[name]()
        sys.exit(f"{template}: `{name}` is no table; there are {', '.join(words)}")

    page.write_text(re.sub(r"\{\{(\w+)\}\}", fill, template.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{page}: {len(bounds(measured))} bounds, {len(drawn)} figures")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Tables of `run.sh`: reads what the programs wrote, prints markdown. Standard library only."""

import json
import os
import statistics
import subprocess
import sys
import time


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|---|" + "---:|" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def core(ours_path, torch_path):
    def read(path):
        with open(path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def rates(reports, shape, key="core_tokens_per_s"):
        found = [r[key] for r in reports if (r["experts"], r["top_k"]) == shape]
        return [r["median"] for r in found if r]

    ours, torch = read(ours_path), read(torch_path)
    rows = []
    for shape in sorted({(r["experts"], r["top_k"]) for r in ours}):
        base = rates(torch, shape)
        name = f"{shape[0]} experts, top {shape[1]}"
        rows.append([f"PyTorch, {name}", f"{statistics.median(base) / 1e6:.2f}", "1.0"])
        keys = [("isotherm, with candle's product", "core_tokens_per_s"), ("isotherm", "small_product_tokens_per_s")]
        for label, key in keys:
            rate = rates(ours, shape, key)
            if rate:
                # Paired: both sides of a turn met the same load.
                ratio = statistics.median(a / b for a, b in zip(rate, base))
                rows.append([f"{label}, {name}", f"{statistics.median(rate) / 1e6:.2f}", f"{ratio:.1f}"])
    table(["routing core", "M tokens/s", "ratio"], rows)


def run_once(command):
    """Seconds on the wall and the largest resident memory [MiB] of a command and all it starts."""
    start = time.monotonic()
    process = subprocess.Popen(["sh", "-c", command], stdout=subprocess.DEVNULL)
    # The kernel counts this script's own memory as the least, some 10 MiB.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status != 0:
        sys.exit(f"failed: {command}")
    return time.monotonic() - start, usage.ru_maxrss / 1024


def experiment(reps, scratch, names, commands):
    # One more run of each for the memory; the times are hyperfine's where it is installed.
    memory, times = [], [[] for _ in commands]
    for place, command in enumerate(commands):
        seconds, peak = run_once(command)
        memory.append(peak)
        times[place].append(seconds)
    turns = [os.path.join(scratch, f"turn.{turn}.json") for turn in range(1, reps + 1)]
    if all(os.path.exists(turn) for turn in turns):
        times = [[] for _ in commands]
        for turn in turns:
            with open(turn, encoding="utf-8") as file:
                for place, result in enumerate(json.load(file)["results"]):
                    times[place].extend(result["times"])
    else:
        for _ in range(reps - 1):
            for place, command in enumerate(commands):
                times[place].append(run_once(command)[0])
    rows = []
    for name, mine, peak in zip(names, times, memory):
        ratio = statistics.median(base / t for base, t in zip(times[0], mine))
        rows.append([name, f"{statistics.median(mine):.3f}", f"{min(mine):.3f}", f"{ratio:.1f}", f"{peak:.0f}", f"{memory[0] / peak:.1f}"])
    table(["whole experiment", "seconds, median", "min", "ratio", "peak memory, MiB", "ratio"], rows)


def main():
    what, *rest = sys.argv[1:]
    if what == "core":
        core(*rest)
    else:
        split = rest.index("--")
        experiment(int(rest[0]), rest[1], rest[2:split], rest[split + 1 :])


if __name__ == "__main__":
    main()

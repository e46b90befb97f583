"""Draws docs/figures/drift.svg from the results of scenarios/drift.toml.

    isotherm run scenarios/drift.toml
    python docs/figures/drift.py results/drift docs/figures/drift.svg

Needs pyarrow, numpy and matplotlib.
"""
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
import pyarrow.parquet as pq

folder, target = sys.argv[1:3]
runs = pq.read_table(f"{folder}/runs.parquet", columns=["run_id", "router", "seed"]).to_pylist()
series = pq.read_table(f"{folder}/series.parquet", columns=["run_id", "batch", "energy_j"]).to_pydict()

energy = {}
for run, batch, joules in zip(series["run_id"], series["batch"], series["energy_j"]):
    energy.setdefault(run, {})[batch] = joules
energy = {run: np.array([values[b] for b in sorted(values)]) for run, values in energy.items()}
baseline = {run["seed"]: energy[run["run_id"]] for run in runs if run["router"] == "baseline"}

# Okabe and Ito's palette: distinct for colour-blind readers.
STYLE = {
    "energy-penalty, old costs": ("#D55E00", "static penalty, old costs"),
    "energy-penalty, true costs": ("#999999", "static penalty, true costs (oracle)"),
    "ttt, eta 1": ("#56B4E9", "test-time trained, eta 1"),
    "ttt, eta 8": ("#0072B2", "test-time trained, eta 8"),
}
plt.rcParams.update({"svg.hashsalt": "isotherm", "svg.fonttype": "none", "font.size": 10})
figure, axes = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
for router, (colour, label) in STYLE.items():
    saved = [100 * (1 - energy[r["run_id"]] / baseline[r["seed"]]) for r in runs if r["router"] == router]
    axes.plot(np.mean(saved, axis=0), color=colour, label=label, linewidth=1.6)
axes.axhline(0, color="black", linewidth=0.8)
axes.axvline(60, color="black", linewidth=0.8, linestyle=":")
axes.text(61, -25, "the hot pair moves", fontsize=9)
axes.set(xlabel="batch", ylabel="energy saved against the\nbaseline on the same tokens (%)", xlim=(0, 119), ylim=(-27, 32))
axes.set_title("Who notices when the expensive experts change?", loc="left", fontsize=11)
axes.legend(frameon=False, fontsize=9, loc="lower left")
axes.spines[["top", "right"]].set_visible(False)
figure.savefig(target, metadata={"Date": None})

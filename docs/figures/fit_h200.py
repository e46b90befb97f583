#!/usr/bin/env python3
"""Fits scenarios/hardware/h200.toml from a recording of a real H200 and prints every number in it.

    pip install numpy scipy
    python docs/figures/fit_h200.py single-1.csv.gz [holds-3.csv.gz ...]

The first recording is fitted; every further one only validates, with the ambient refitted and nothing else.
Beside X.csv.gz stands X.json with the phases of the recording (and, for the first, the MoE timings).

Model: two lumps in a chain. `die` takes all the electrical power P [W]; heat leaves through `sink` to the ambient.

    C_die  dT_die/dt  = P - G_link (T_die - T_sink)
    C_sink dT_sink/dt = G_link (T_die - T_sink) - G_amb (T_sink - T_amb)

P is the difference of the energy counter `energy_mj` over its own update instants (about every 100 ms), so the joules
are exact whatever the poll's jitter. P is constant in between, hence the modal solution below is exact: no time step.
The recording is taken to start in the steady state of its first `power_mw`, the mean of the second before. Observed is
`temp_c`, whole degrees; whether the driver rounds or floors is unknown, so T_amb carries up to 0.5 C of bias.

Loads switched on and off every 100 ms alias with the 100 ms refresh of the sensors (the die moves 10 C within one
period), so phases with a duty between 0 and 1, and one second after each, drive the model but are left out of the
residual. RMSE is printed with and without them.
"""
import csv
import gzip
import json
import sys

import numpy as np
from scipy.optimize import least_squares


class Recording:
    def __init__(self, path):
        with gzip.open(path, "rt") as f:
            rows = list(csv.DictReader(f))
        self.t, self.energy, self.temp, self.mhz, self.power_field = (
            np.array([float(r[k]) for r in rows]) * scale
            for k, scale in (("t_s", 1), ("energy_mj", 1e-3), ("temp_c", 1), ("sm_mhz", 1), ("power_mw", 1e-3))
        )
        with open(path.removesuffix(".csv.gz") + ".json") as f:
            meta = json.load(f)
        self.phases, self.moe = meta["phases"], meta.get("moe", [])
        self.dt = np.diff(self.t)
        self.ticks = np.flatnonzero(np.diff(self.energy)) + 1  # rows at which the counter moved
        per_tick = np.diff(self.energy[self.ticks]) / np.diff(self.t[self.ticks])
        per_tick = np.r_[self.power_field[0], per_tick, per_tick[-1]]  # before the first update, after the last
        # One value for each interval between rows.
        self.power = per_tick[np.searchsorted(self.ticks, np.arange(len(self.dt)), side="right")]
        self.clean = np.ones(len(self.t), bool)
        for p in self.phases:
            if 0 < p["duty"][0] < 1:
                self.clean &= (self.t < p["t0"]) | (self.t > p["t1"] + 1)

    def mean_power(self, rows):
        """Mean power [W] over the energy counter's updates inside a contiguous mask of rows."""
        i = np.intersect1d(self.ticks, np.flatnonzero(rows))
        return (self.energy[i[-1]] - self.energy[i[0]]) / (self.t[i[-1]] - self.t[i[0]]) if len(i) > 1 else np.nan


def modes(c_die, c_sink, g_link, g_amb):
    """Rates [1/s] and weights [K/W] of the two modes in the die's answer to power."""
    s = np.sqrt([c_die, c_sink])
    rate, v = np.linalg.eigh(np.array([[g_link, -g_link], [-g_link, g_link + g_amb]]) / np.outer(s, s))
    return rate, v[0] ** 2 / c_die / rate


def die_rise(rec, theta):
    """Temperature of the die above the ambient [K] at every row, exact for piecewise constant power."""
    total = np.zeros(len(rec.t))
    for rate, weight in zip(*modes(*theta)):
        z, out = weight * rec.power[0], [weight * rec.power[0]]  # steady state
        for decay, goal in zip(np.exp(-rate * rec.dt).tolist(), (weight * rec.power).tolist()):
            z = goal + (z - goal) * decay
            out.append(z)
        total += out
    return total


def fit(rec, rows):
    """Least squares over the given rows; conductances and capacities in log space, so they stay positive."""
    def residual(x):
        return (die_rise(rec, np.exp(x[:4])) + x[4] - rec.temp)[rows]

    start = np.r_[np.log([12, 1500, 30, 150]), 33]
    x = least_squares(residual, start, x_scale=[1, 1, 1, 1, 10]).x
    return np.r_[np.exp(x[:4]), x[4]]


def rmse(r):
    return float(np.sqrt(np.mean(r * r)))


def jackknife(rec, blocks=10):
    """Standard error of each parameter: leave out one tenth of the recording at a time (residuals are not independent)."""
    block = np.arange(len(rec.t)) * blocks // len(rec.t)
    x = np.array([fit(rec, rec.clean & (block != b)) for b in range(blocks)])
    return np.sqrt((blocks - 1) * np.mean((x - x.mean(0)) ** 2, 0))


def main(path, *others):
    rec = Recording(path)
    x, error = fit(rec, rec.clean), jackknife(rec)
    theta = x[:4]
    for name, value, e in zip(("C_die [J/K]", "C_sink [J/K]", "G_die_sink [W/K]", "G_sink_ambient [W/K]", "T_ambient [C]"), x, error):
        print(f"{name:22} {value:9.3f} +- {e:.3f}")
    rate, weight = modes(*theta)
    print("time constants [s]    ", " ".join(f"{1 / r:.3f} ({w:.5f} K/W)" for r, w in sorted(zip(rate, weight), reverse=True)))

    for other in (path, *others):
        o = rec if other == path else Recording(other)
        rise = die_rise(o, theta)
        ambient = x[4] if o is rec else float(np.mean(o.temp - rise))
        r = rise + ambient - o.temp
        print(f"\n{other}: ambient {ambient:.2f} C, RMSE {rmse(r):.2f} C, without duty-cycled phases {rmse(r[o.clean]):.2f} C, "
              f"max |error| {np.abs(r).max():.1f} C")
        drift = np.polyfit(o.t - o.t[0], r, 1)
        print(f"  with a linear drift of the ambient ({-60 * drift[0]:+.2f} C a minute) fitted too: "
              f"RMSE {rmse(r - np.polyval(drift, o.t - o.t[0])):.2f} C")
        print("  phase                  power [W]  temp [C]  model - measured [C]   (first 2 s of the phase left out)")
        for p in o.phases:
            rows = (o.t >= p["t0"] + 2) & (o.t < p["t1"])
            if p["t1"] - p["t0"] >= 4.5:
                print(f"  {p['name'][:22]:22} {o.mean_power(rows):9.1f}  {o.temp[rows].mean():8.1f}  {r[rows].mean():+8.2f}")
        low = o.mhz < 400
        up = np.concatenate([np.flatnonzero((o.t >= p["t0"] + 2) & (o.t < p["t1"])) for p in o.phases if "idle" in p["name"]])
        watts = o.power[np.minimum(up, len(o.power) - 1)]
        print(f"  idle, {o.mhz[low].mean():.0f} MHz: {o.power_field[low].mean():.1f} W by power_mw, the mean of the second before "
              f"the recording; idle, {o.mhz[up].min():.0f} to {o.mhz[up].max():.0f} MHz: {watts.mean():.1f} W at {o.temp[up].mean():.1f} C")

    print("\nMoE layer (8 experts): tokens per expert, J per assignment, s per assignment, s per layer, mean W")
    for m in rec.moe:
        layer = m["us_per_layer"] * 1e-6
        print(f"  {m['tokens_per_expert']:5d}  {m['j_per_expert_token']:.6e}  {layer / m['experts'] / m['tokens_per_expert']:.6e}"
              f"  {layer:.6e}  {m['joules'] / m['secs']:.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:])

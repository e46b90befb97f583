#!/usr/bin/env python3
"""The thermal loop of `thermal.rs` with SciPy and NumPy, on the networks that `thermal --write` has written.

    scipy_loop.py FOLDER NODES [NODES ...]

- expm: the exponential of the matrix once, two products of matrix and vector a row: exact, as long as the interval stays the same;
- solve_ivp: LSODA with the Jacobian, 0.01 K, started anew every row, because the powers are new;
- NumPy: classical Runge-Kutta with the largest step that is stable, vectorised over the nodes.
"""

import json
import os
import sys

from records import record, seconds_each

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm

INTERVAL_S = 0.01


class Network:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            read = json.load(file)
        self.n, self.blocks, self.ambient_degc = len(read["capacity"]), read["blocks"], read["ambient_degc"]
        self.capacity = np.array(read["capacity"])
        self.ambient = np.array(read["ambient"])
        # C dT/dt = P + g T_ambient - G T
        self.matrix = -np.array(read["conductance"]).reshape(self.n, self.n) / self.capacity[:, None]
        self.row = 0

    def input(self):
        self.row += 1
        power = np.zeros(self.n)
        power[: self.blocks] = (7 * np.arange(self.blocks) + 3 * self.row) % 11 * 6.0 / self.blocks
        return (power + self.ambient * self.ambient_degc) / self.capacity

    def start(self):
        return np.full(self.n, self.ambient_degc)


def with_expm(network):
    decay = expm(network.matrix * INTERVAL_S)
    gain = np.linalg.solve(network.matrix, decay - np.eye(network.n))
    state = [network.start()]

    def row():
        state[0] = decay @ state[0] + gain @ network.input()
        return state[0][: network.blocks].sum()

    return row


def with_solve_ivp(network):
    state = [network.start()]

    def row():
        u = network.input()
        found = solve_ivp(
            lambda _, t: network.matrix @ t + u, (0.0, INTERVAL_S), state[0], method="LSODA", jac=lambda *_: network.matrix, rtol=1e-4, atol=1e-2
        )
        state[0] = found.y[:, -1]
        return state[0][: network.blocks].sum()

    return row


def with_numpy(network):
    fastest = np.abs(np.linalg.eigvals(network.matrix)).max()
    # Classical Runge-Kutta is stable up to 2.78 over the fastest rate.
    steps = int(np.ceil(INTERVAL_S * fastest / 2.5))
    h = INTERVAL_S / steps
    state = [network.start()]

    def row():
        t, u, a = state[0], network.input(), network.matrix
        for _ in range(steps):
            k1 = a @ t + u
            k2 = a @ (t + 0.5 * h * k1) + u
            k3 = a @ (t + 0.5 * h * k2) + u
            k4 = a @ (t + h * k3) + u
            t = t + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        state[0] = t
        return t[: network.blocks].sum()

    return row


def main():
    folder, sizes = sys.argv[1], sys.argv[2:]
    for nodes in sizes:
        for who, loop in (("SciPy, expm", with_expm), ("SciPy, solve_ivp", with_solve_ivp), ("NumPy, Runge-Kutta", with_numpy)):
            network = Network(os.path.join(folder, f"{nodes}.json"))
            record("thermal", nodes, who, seconds_each(loop(network)) * 1e6, "us")


if __name__ == "__main__":
    main()

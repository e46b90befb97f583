#!/usr/bin/env python3
"""Sinkhorn and expert choice in plain NumPy, next to isotherm's routers: one batch of 2,048 tokens, 64 experts, top 8, one thread.

    cargo bench --bench ratios --no-run          # says where it puts the program
    python3 benches/compare/python/numpy_routers.py PATH_TO_THAT_PROGRAM [TURNS]

Both sides take turns; shortest times of all turns, and the median over turns of the ratio of a turn's shortest times.
The NumPy form is what a paper's pseudocode becomes, in float32 and with `argpartition` where only the best are wanted:

- sinkhorn: 20 iterations of u = (1/T) / (K v), v = target / (K' u); top k per row of the plan; weights from the gate.
- expert choice: softmax; each expert's C best tokens; weights of the choice.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import statistics
import subprocess
import sys
import time

import numpy as np

TOKENS, EXPERTS, TOP_K, ITERATIONS, EPSILON = 2048, 64, 8, 20, np.float32(1.0)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def top_k(scores, k):
    rows = np.arange(len(scores))[:, None]
    best = np.argpartition(-scores, k, axis=1)[:, :k]
    return best[rows, np.argsort(-scores[rows, best], axis=1)]


def sinkhorn(z):
    kernel = np.exp((z - z.max(axis=1, keepdims=True)) / EPSILON)
    target = np.full(EXPERTS, 1.0 / EXPERTS, dtype=np.float32)
    v = np.ones(EXPERTS, dtype=np.float32)
    for _ in range(ITERATIONS):
        u = np.float32(1.0 / TOKENS) / (kernel @ v)
        v = target / (kernel.T @ u)
    chosen = top_k(kernel * v, TOP_K)
    weights = np.take_along_axis(softmax(z), chosen, axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    return chosen, weights, np.bincount(chosen.ravel(), minlength=EXPERTS)


def expert_choice(z):
    p = softmax(z)
    capacity = TOKENS * TOP_K // EXPERTS
    tokens = np.argpartition(-p, capacity, axis=0)[:capacity]
    taken = np.zeros_like(p)
    np.put_along_axis(taken, tokens, np.take_along_axis(p, tokens, axis=0), axis=0)
    # What a routing holds: each token's k best of the experts that took it.
    chosen = top_k(taken, TOP_K)
    weights = np.take_along_axis(taken, chosen, axis=1)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), np.float32(1e-30))
    return chosen, weights, np.bincount(chosen[weights > 0], minlength=EXPERTS)


def shortest(work, rounds=15):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1e6


def ours(program):
    lines = subprocess.run([program, "15"], check=True, capture_output=True, text=True).stdout.splitlines()
    rows = [line.split() for line in lines]
    return {" ".join(row[2:-3]): float(row[-3]) for row in rows if row[:2] == [str(EXPERTS), str(TOP_K)]}


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    turns = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    z = np.random.default_rng(7).standard_normal((TOKENS, EXPERTS), dtype=np.float32)
    peers = {"sinkhorn": sinkhorn, "expert-choice": expert_choice}
    found = {name: [] for name in peers}
    for _ in range(turns):
        own = ours(sys.argv[1])
        for name, peer in peers.items():
            found[name].append((own[name], shortest(lambda: peer(z))))
    print(f"NumPy {np.__version__}, {TOKENS} tokens, {EXPERTS} experts, top {TOP_K}, one thread, {turns} turns")
    for name, times in found.items():
        ratio = statistics.median(numpy / isotherm for isotherm, numpy in times)
        isotherm, numpy = (min(column) for column in zip(*times))
        print(f"{name:<14} isotherm {isotherm:8.1f} us   NumPy {numpy:8.1f} us   NumPy takes {ratio:5.2f} times as long")


if __name__ == "__main__":
    main()

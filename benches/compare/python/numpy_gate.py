#!/usr/bin/env python3
"""The gate product and the decision in NumPy, float32, one thread: the counterpart of `gate.rs`.

`argpartition` where only the best are wanted, as a careful program would.
"""

from records import record, seconds_each

import numpy as np

TOKENS, D_MODEL = 2048, 512


def decide(z, price, top_k):
    z = z - price
    e = np.exp(z - z.max(axis=1, keepdims=True))
    e /= e.sum(axis=1, keepdims=True)
    best = np.argpartition(-z, top_k - 1, axis=1)[:, :top_k]
    weights = np.take_along_axis(e, best, axis=1)
    return weights / weights.sum(axis=1, keepdims=True), np.bincount(best.ravel(), minlength=z.shape[1])


def main():
    generator = np.random.default_rng(7)
    hidden = generator.standard_normal((TOKENS, D_MODEL), dtype=np.float32)
    for experts, top_k in ((8, 2), (64, 8), (256, 8)):
        gate = generator.standard_normal((D_MODEL, experts), dtype=np.float32) / np.float32(D_MODEL**0.5)
        price = np.full(experts, 0.05, dtype=np.float32)
        price[experts - experts // 4 :] = 0.2
        z = hidden @ gate
        product = seconds_each(lambda: hidden @ gate)
        select = seconds_each(lambda: decide(z, price, top_k))
        name = f"{experts} experts, top {top_k}"
        record("product", name, "NumPy", 2e-9 * TOKENS * D_MODEL * experts / product, "GFLOP/s")
        record("select", name, "NumPy", select * 1e6, "us")
        record("routing", name, "NumPy", TOKENS * 1e-6 / (product + select), "M tokens/s")


if __name__ == "__main__":
    main()

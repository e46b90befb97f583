#!/usr/bin/env python3
"""The bare routing core in PyTorch on one thread, the counterpart of `routing_core.rs`.

Gate product, price, softmax, top k, combine weights, counts; hidden states lie ready. No metrics, no learning.
Times are processor times of the one thread, as there.
"""

import argparse
import json
import statistics
import time

import torch

TOKENS, D_MODEL, BATCHES, DISTINCT = 2048, 512, 100, 3


def route(x, gate, price, top_k):
    p = torch.softmax(x @ gate - price, dim=-1)
    top, index = torch.topk(p, top_k, dim=-1)
    weights = top / top.sum(dim=-1, keepdim=True)
    return weights, torch.bincount(index.reshape(-1), minlength=price.numel())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experts", type=int, default=8)
    parser.add_argument("--top-k", type=int, default=2)
    parser.add_argument("--distinct", type=int, default=DISTINCT)
    parser.add_argument("--reps", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(7)
    # As `nn.Linear` keeps its weights: one row an expert, transposed by the product.
    gate = (torch.randn(args.experts, D_MODEL, generator=generator) / D_MODEL**0.5).T
    hidden = [torch.randn(TOKENS, D_MODEL, generator=generator) for _ in range(args.distinct)]
    price = torch.full((args.experts,), 0.05)
    price[args.experts - args.experts // 4 :] = 0.2
    rates = []
    with torch.inference_mode():
        # The first repetition warms up.
        for repetition in range(args.reps + 1):
            start = time.thread_time()
            for batch in range(BATCHES):
                route(hidden[batch % args.distinct], gate, price, args.top_k)
            if repetition > 0:
                rates.append(BATCHES * TOKENS / (time.thread_time() - start))
    report = {"experts": args.experts, "top_k": args.top_k, "core_tokens_per_s": {"min": min(rates), "median": statistics.median(rates)}}
    if args.json:
        print(json.dumps(report))
    else:
        print(f"PyTorch {torch.__version__}, {args.experts} experts, top {args.top_k}: {statistics.median(rates) / 1e6:.2f} M tokens/s")


if __name__ == "__main__":
    main()

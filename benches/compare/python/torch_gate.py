#!/usr/bin/env python3
"""The gate and what follows it in PyTorch on one thread, the counterpart of `gate.rs`: product, decision, learning step.

Hidden states lie ready. The learning step is that of the program isotherm is compared with: one step on a bias by autograd.
"""

from records import record, seconds_each

import torch
import torch.nn.functional as F

TOKENS, D_MODEL = 2048, 512


def case(experts, top_k):
    generator = torch.Generator().manual_seed(7)
    # As `nn.Linear` keeps its weights: one row an expert, transposed by the product.
    gate = (torch.randn(experts, D_MODEL, generator=generator) / D_MODEL**0.5).T
    hidden = torch.randn(TOKENS, D_MODEL, generator=generator)
    costs = torch.full((experts,), 0.5)
    costs[experts - experts // 4 :] = 2.0
    price = 0.1 * costs
    name = f"{experts} experts, top {top_k}"

    def decide(z, shift):
        p = torch.softmax(z - shift, dim=-1)
        top, index = torch.topk(p, top_k, dim=-1)
        return top / top.sum(dim=-1, keepdim=True), torch.bincount(index.reshape(-1), minlength=experts)

    with torch.inference_mode():
        z = hidden @ gate
        product = seconds_each(lambda: hidden @ gate)
        select = seconds_each(lambda: decide(z, price))
    record("product", name, "PyTorch", 2e-9 * TOKENS * D_MODEL * experts / product, "GFLOP/s")
    record("select", name, "PyTorch", select * 1e6, "us")
    record("routing", name, "PyTorch", TOKENS * 1e-6 / (product + select), "M tokens/s")

    bias = torch.zeros(experts, requires_grad=True)
    believed = torch.ones(experts)

    def learn():
        with torch.no_grad():
            z = hidden @ gate
            _, usage = decide(z, -bias)
        seen = usage > 0
        measured = (usage * costs)[seen] / usage[seen]
        believed[seen] = 0.9 * believed[seen] + 0.1 * measured
        log_p0 = F.log_softmax(z, dim=-1)
        log_p = F.log_softmax(z + bias, dim=-1)
        loss = (log_p.exp() * (0.1 * believed + log_p - log_p0)).sum(-1).mean()
        (gradient,) = torch.autograd.grad(loss, bias)
        with torch.no_grad():
            bias.sub_(gradient)

    record("ttt", name, "PyTorch", seconds_each(learn) * 1e6, "us")


def main():
    torch.set_num_threads(1)
    for experts, top_k in ((8, 2), (64, 8), (256, 8)):
        case(experts, top_k)


if __name__ == "__main__":
    main()

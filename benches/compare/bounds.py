"""What was promised, beside what was measured. A promise whose peer is absent is left out, not kept."""

from measured import shown


def bounds(m):
    """Lists (promise, measured, whether it holds)."""
    found = []

    def least(what, value, bound, unit="times"):
        if value is not None:
            found.append((f"{what}: at least {bound} {unit}", f"{shown(value)} {unit}", value >= bound))

    def most(what, value, bound, unit):
        if value is not None:
            found.append((f"{what}: at most {bound} {unit}", f"{shown(value)} {unit}", value <= bound))

    for pending, peer, bound in (
        (10_000, "NeXosim 1.0", 8),
        (10_000, "simcore 0.1", 3),
        (1_000_000, "NeXosim 1.0", 10),
        (1_000_000, "simcore 0.1", 7),
        (1_000_000, "isotherm, binary heap", 5),
    ):
        least(f"{peer} beside isotherm, hold model, {pending:,} pending", m.ratio("hold", pending, peer, "isotherm"), bound)
    least("simcore's cancel beside isotherm, crossings of 100,000 GPUs", m.ratio("crossings", 100_000, "simcore 0.1", "isotherm"), 12)
    most("physics sweep of 10,000 GPUs", m.median("ticks", 10_000, "isotherm"), 1, "ns a GPU")
    most("fork of 100,000 GPUs and events", m.median("fork", 100_000, "isotherm, whole run"), 1, "ms")
    for case in ("64 experts, top 8", "128 experts, top 8", "256 experts, top 8"):
        reached = m.median("product share", case, "isotherm")
        least(f"gate product, {case.split(',')[0]}", reached and 100 * reached, 90, "% of the peak")
        share = m.median("select share", case, "isotherm")
        most(f"decision, {case}", share and 100 * share, 25, "% of the product")
        together = m.median("eight routers", case, "isotherm")
        most(f"eight price routers on one batch, {case.split(',')[0]}", together and 100 * together, 33.4, "% of eight runs")
    least("counts beside token, 2,048 x 512 x 256", m.ratio("tiers", "256 experts, top 8", "token", "counts"), 300)
    hour = ("9,920 GPUs, 1 h", "isotherm")
    most("9,920 GPUs for an hour, one core", m.median("fleet", *hour), 300, "s")
    most("9,920 GPUs for an hour, memory", m.median("fleet memory", *hour), 2048, "MiB")
    most("9,920 GPUs for an hour, written", m.median("fleet written", *hour), 200, "MB")
    most("three routers, five prices, five seeds, one hour, eight GPUs, two cores", m.median("sweep", "2 threads", "isotherm"), 60, "s")
    least("two cores beside one, sixty runs (see Growth)", m.cross(("threads", "1", "isotherm"), ("threads", "2", "isotherm")), 1.7)
    pytorch = ("classic", "hidden states", "PyTorch")
    least("PyTorch beside isotherm, classic experiment, hidden states", m.ratio("classic", "hidden states", "PyTorch", "isotherm"), 25)
    least("PyTorch beside isotherm, classic experiment, logits", m.cross(pytorch, ("classic", "logits", "isotherm")), 150)
    return found

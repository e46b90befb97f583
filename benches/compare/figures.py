"""Growth with size, on two logarithmic axes, as SVG."""

import math
from xml.sax.saxutils import escape

from measured import shown

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 360, 64, 190, 44, 48
# Okabe and Ito's colours: told apart by every eye.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")

# File, title, words of the axes, and the bench; or lines of several benches.
GROWTH = (
    ("events.svg", "Hold model: cost of an event", "pending events", "ns", "hold"),
    ("crossings.svg", "Predicted crossings: cost of an event", "GPUs", "ns", "crossings"),
    ("ticks.svg", "Periodic work: cost of a GPU", "GPUs", "ns", "ticks"),
    ("experts.svg", "A decision of 2,048 tokens, product included", "experts", "us", "ttt"),
    ("nodes.svg", "Thermal loop: cost of a row", "nodes", "us", "thermal"),
    ("gpus.svg", "A minute of a fleet, two routers, one core", "GPUs", "s", "gpus"),
    ("runs.svg", "Runs on one core: three routers a seed", "seeds", "s", "runs"),
    ("threads.svg", "Sixty runs on more threads", "threads", "s", "threads"),
)


def figures(measured, folder):
    """Draws what was measured; names and titles of the figures that were drawn."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for file, title, across, up, bench in GROWTH:
        lines = {who: points(measured, bench, who) for who in measured.names(bench)}
        lines = {who: line for who, line in lines.items() if len(line) > 1}
        if lines:
            (folder / file).write_text(draw(title, across, up, lines), encoding="utf-8")
            drawn.append((file, title))
    return drawn


def points(measured, bench, who):
    found = [(case, measured.median(bench, case, who)) for case in measured.cases(bench)]
    # "64 experts, top 8" is at 64.
    return [(float(case.split()[0]), value) for case, value in found if value is not None]


def ticks(low, high):
    """Powers of ten, and with few of them their doubles and fives."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1,) if len(powers) > 3 else (1, 2, 5)
    return [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]


def draw(title, across, up, lines):
    xs, ys = zip(*(point for line in lines.values() for point in line))
    low_x, high_x, low_y, high_y = min(xs), max(xs), min(ys) / 1.3, max(ys) * 1.3

    def at(x, y):
        return (
            LEFT + (WIDTH - LEFT - RIGHT) * math.log(x / low_x) / math.log(high_x / low_x),
            HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * math.log(y / low_y) / math.log(high_y / low_y),
        )

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<title>{escape(title)}</title><rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="15" font-weight="bold">{escape(title)}</text>',
        f'<text x="{LEFT}" y="36" fill="#555555">{escape(up)}</text>',
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 10}" text-anchor="end" fill="#555555">{escape(across)}</text>',
    ]
    for tick in ticks(low_y, high_y):
        _, y = at(low_x, tick)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        out.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label(tick)}</text>')
    for tick in ticks(low_x, high_x):
        x, _ = at(tick, low_y)
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM + 4}" stroke="#555555"/>')
        out.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{label(tick)}</text>')
    ends = apart([at(*line[-1])[1] for line in lines.values()])
    for (who, line), colour, end in zip(lines.items(), COLOURS, ends):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in line))
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in (at(*point) for point in line)]
        x, _ = at(*line[-1])
        out.append(f'<text x="{x + 8:.1f}" y="{end + 4:.1f}" fill="{colour}">{escape(who)}, {shown(line[-1][1])}</text>')
    return "\n".join(out + ["</svg>", ""])


def label(tick):
    return f"{tick:,.0f}" if tick >= 1 else f"{tick:g}"


def apart(places, least=15.0):
    """Places of words, moved as little as it takes for none to cover another."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved, last = list(places), -math.inf
    for index in order:
        moved[index] = last = max(places[index], last + least)
    return moved

"""Small SVG charts for docs/validation: one frame, linear or logarithmic axes, the same bytes for the same numbers."""

import math
import re
from xml.sax.saxutils import escape

INK, GREY, GRID = "#1c1917", "#57534e", "#e7e5e4"
COLOURS = ("#c2410c", "#0369a1", "#15803d", "#7e22ce")


def ticks(low, high, log, wanted=6):
    """Round numbers inside a range; powers of ten on a logarithmic axis."""
    if log:
        first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
        every = max(1, round((last - first) / wanted))
        return [10.0**k for k in range(first, last + 1, every)]
    rough = (high - low) / wanted
    step = next(d * 10.0**p for p in range(-6, 9) for d in (1, 2, 5) if d * 10.0**p >= rough)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def number(value, log=False):
    """A tick as text."""
    if log and not 1e-3 <= value < 1e5:
        return f"1e{round(math.log10(value))}"
    return f"{value:g}"


class Panel:
    """A frame at `left`, `top` with `width` and `height`; x and y are (low, high, logarithmic)."""

    def __init__(self, left, top, width, height, x, y, title, labels):
        self.box, self.axes, self.parts = (left, top, width, height), (x, y), []
        right, bottom = left + width, top + height
        for value in ticks(*x):
            at = self.x(value)
            self.line(at, top, at, bottom, GRID)
            self.text(at, bottom + 17, number(value, x[2]), "middle", GREY)
        for value in ticks(*y):
            at = self.y(value)
            self.line(left, at, right, at, GRID)
            self.text(left - 7, at + 4, number(value, y[2]), "end", GREY)
        self.text(left, top - 12, title, "start", INK, weight=600)
        self.text(left + width / 2, bottom + 36, labels[0], "middle", GREY)
        middle = top + height / 2
        turn = f' transform="rotate(-90 {left - 46:.1f} {middle:.1f})"'
        self.text(left - 46, middle, labels[1], "middle", GREY, more=turn)

    @staticmethod
    def _place(value, axis, start, length):
        low, high, log = axis
        if log:
            value, low, high = (math.log10(v) for v in (value, low, high))
        return start + length * (value - low) / (high - low)

    def x(self, value):
        return self._place(value, self.axes[0], self.box[0], self.box[2])

    def y(self, value):
        return self._place(value, self.axes[1], self.box[1] + self.box[3], -self.box[3])

    def line(self, x1, y1, x2, y2, colour, more=""):
        self.parts.append(f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}"{more}/>')

    def text(self, x, y, text, anchor="start", colour=INK, weight=400, more=""):
        weight = f' font-weight="{weight}"' if weight != 400 else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}{more}>{escape(text)}</text>'
        )

    def curve(self, points, colour, more=' stroke-width="1.6"'):
        path = "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)
        self.parts.append(f'<path d="M{path}" fill="none" stroke="{colour}"{more}/>')

    def dots(self, points, colour, radius=4.0):
        for x, y in points:
            self.parts.append(f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="{radius}" fill="{colour}"/>')

    def cloud(self, points, colour, cell=3):
        """Many points as small squares, darker where several fall together."""
        counts = {}
        for x, y in points:
            key = (round(self.x(x) / cell), round(self.y(y) / cell))
            counts[key] = counts.get(key, 0) + 1
        shades = {}
        for key, count in counts.items():
            shades.setdefault(min(1.0, 0.35 + 0.2 * math.log2(count)), []).append(key)
        for opacity, keys in sorted(shades.items()):
            path = "".join(f"M{x * cell} {y * cell}h{cell}" for x, y in sorted(keys))
            self.parts.append(
                f'<path d="{path}" stroke="{colour}" stroke-width="{cell}" stroke-opacity="{opacity:.2f}" fill="none"/>'
            )


def svg(width, height, title, parts):
    """A drawing of panels and loose parts under a title."""
    body = "\n".join("\n".join(p.parts) if isinstance(p, Panel) else p for p in parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        f'<text x="16" y="24" font-size="15" font-weight="600">{escape(title)}</text>\n{body}\n</svg>\n'
    )


def legend(x, y, entries):
    """(colour, text, "line" or "dot") in a row."""
    parts = []
    for colour, text, kind in entries:
        mark = f'<path d="M{x} {y - 4}h20" stroke="{colour}" stroke-width="1.6"/>'
        if kind == "dot":
            mark = f'<circle cx="{x + 10}" cy="{y - 4}" r="4" fill="{colour}"/>'
        elif kind == "dash":
            mark = f'<path d="M{x} {y - 4}h20" stroke="{colour}" stroke-dasharray="4 3"/>'
        parts.append(f'{mark}<text x="{x + 26}" y="{y}" fill="{GREY}">{escape(text)}</text>')
        x += 44 + 7 * len(text)
    return "\n".join(parts)


def thin(text, tolerance=0.25):
    """The same drawing with fewer points: those of a line that are within `tolerance` pixels of it go."""

    def simplify(points):
        keep, stack = {0, len(points) - 1}, [(0, len(points) - 1)]
        while stack:
            a, b = stack.pop()
            (x1, y1), (x2, y2) = points[a], points[b]
            length = math.hypot(x2 - x1, y2 - y1)
            worst, at = tolerance, None
            for k in range(a + 1, b):
                x, y = points[k]
                off = math.hypot(x - x1, y - y1)
                if length > 0.0:
                    off = abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length
                if off > worst:
                    worst, at = off, k
            if at is not None:
                keep.add(at)
                stack += [(a, at), (at, b)]
        return [points[k] for k in sorted(keep)]

    def path(match):
        pieces = [piece for piece in match.group(1).split("M") if piece]
        lines = [[tuple(map(float, pair.split())) for pair in piece.split("L")] for piece in pieces]
        return 'd="' + "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in simplify(line)) for line in lines) + '"'

    return re.sub(r'd="(M[\d. ML-]+)"', path, text)

"""Curves of seconds over days become a picture with logarithmic axes; a grey line grows alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

COLOURS = ("#1b6ca8", "#c0392b", "#2e8b57")
WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM = 640, 360, 70, 30, 70, 50

Curve = list[tuple[int, float]]


class _Axes:
    """Where a point stands."""

    def __init__(self, curves: Mapping[str, Curve], days: Sequence[int]) -> None:
        seconds = [one for curve in curves.values() for _, one in curve]
        self.days = days
        self.low = math.floor(math.log10(min(seconds)))
        self.high = max(self.low + 1, math.ceil(math.log10(max(seconds))))

    def x(self, day: float) -> float:
        return LEFT + (WIDE - LEFT - RIGHT) * math.log(day) / math.log(self.days[-1])

    def y(self, seconds: float) -> float:
        up = (math.log10(seconds) - self.low) / (self.high - self.low)
        return HIGH - BOTTOM - (HIGH - BOTTOM - TOP) * up

    def at(self, day: float, seconds: float) -> str:
        return f"{self.x(day):.1f},{self.y(seconds):.1f}"


def picture(curves: Mapping[str, Curve], days: Sequence[int]) -> str:
    """Draw the curves."""
    axes = _Axes(curves, days)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" '
            'font-family="sans-serif" font-size="12">'
        ),
        f'<rect width="{WIDE}" height="{HIGH}" fill="white"/>',
        *_lines(axes),
    ]
    for number, (what, curve) in enumerate(curves.items()):
        parts += _drawn(axes, number, what, curve)
    return "\n".join([*parts, "</svg>", ""])


def _lines(axes: _Axes) -> list[str]:
    parts = []
    for day in axes.days:
        x = f"{axes.x(day):.1f}"
        parts.append(f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{HIGH - BOTTOM}" stroke="#ddd"/>')
        parts.append(f'<text x="{x}" y="{HIGH - 30}" text-anchor="middle">{day} d</text>')
    for power in range(axes.low, axes.high + 1):
        y = f"{axes.y(10.0**power):.1f}"
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDE - RIGHT}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y}" text-anchor="end">{10.0**power:g} s</text>')
    low = 10.0**axes.low
    last = min(float(axes.days[-1]), 10.0 ** (axes.high - axes.low))
    grey = f"{axes.at(1, low)} {axes.at(last, low * last)}"
    parts.append(f'<polyline points="{grey}" stroke="#999" stroke-dasharray="4" fill="none"/>')
    return parts


def _drawn(axes: _Axes, number: int, what: str, curve: Curve) -> list[str]:
    colour, line = COLOURS[number % len(COLOURS)], " ".join(axes.at(*point) for point in curve)
    text = what.replace("`", "").replace("&", "&amp;").replace("<", "&lt;")
    dots = [
        f'<circle cx="{axes.x(day):.1f}" cy="{axes.y(seconds):.1f}" r="3" fill="{colour}"/>'
        for day, seconds in curve
    ]
    return [
        f'<polyline points="{line}" stroke="{colour}" fill="none" stroke-width="2"/>',
        *dots,
        f'<text x="{LEFT}" y="{18 + 16 * number}" fill="{colour}">{text}</text>',
    ]

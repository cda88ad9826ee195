"""Curves over sizes as an SVG picture, both axes by powers of ten: equal ratios are equally far apart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 36, 44, 40
_COLORS = ("#1f5fa8", "#b4441c", "#2a7d4f", "#7a4fa0")


@dataclass(frozen=True)
class Curve:
    """One line: a name, and a value for each size."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True)
class Panel:
    """One picture: what the values are, and lines."""

    title: str
    curves: Sequence[Curve]


def draw(sizes: Sequence[int], panels: Sequence[Panel], *, unit: str) -> str:
    """Return the panels side by side; all values must be above 0."""
    box, style = (
        f"0 0 {_WIDTH * len(panels)} {_HEIGHT}",
        'font-family="sans-serif" font-size="11" fill="#333"',
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" {style}>',
        f'<rect width="{_WIDTH * len(panels)}" height="{_HEIGHT}" fill="#fff"/>',
    ]
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate({number * _WIDTH} 0)">')
        parts += _panel(sizes, panel, unit)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(sizes: Sequence[int], panel: Panel, unit: str) -> list[str]:
    values = [value for curve in panel.curves for value in curve.values]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    first, last = math.log10(sizes[0]), max(math.log10(sizes[-1]), math.log10(sizes[0]) + 1)

    def x(size: float) -> float:
        return _LEFT + (math.log10(size) - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (math.log10(value) - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [f'<text x="{_LEFT}" y="16" font-weight="bold">{escape(panel.title)}</text>']
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts.append(f'<path d="M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:,g}</text>')
    parts += [
        f'<text x="{x(size):.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{size:,}</text>'
        for size in sizes
    ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(unit)}</text>')
    for number, curve in enumerate(panel.curves):
        color = _COLORS[number % len(_COLORS)]
        points = [(x(size), y(value)) for size, value in zip(sizes, curve.values, strict=True)]
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{color}"/>' for a, b in points]
        parts.append(f'<text x="{_LEFT + 90 * number}" y="34" fill="{color}">{escape(curve.name)}</text>')
    return parts

"""The plots of a report as SVG text, which every browser draws and no library is needed for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

from icdcoder.measure.calibration import Bin
from icdcoder.measure.concept_leak import OnShare
from icdcoder.measure.frequency import Band

WIDTH, HEIGHT = 560, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 40, 64
INK, FAINT, MICRO, MACRO = "#1f2933", "#d5dbe1", "#2a6f97", "#e09f3e"


@dataclass(frozen=True, slots=True)
class Trained:
    """A system whose weights were trained to a share in (0, 1]. half: half the width of the interval of `f1`, or 0."""

    system: str
    share: float
    f1: float
    half: float = 0.0


def frequency(bands: Sequence[Band]) -> str:
    """Two bars a band (micro-F1, mean of the codes' F1); below it how many codes it has that are gold here."""
    marks = [*_grid("F1 by notes with the code in training"), *_legend("micro-F1", "mean of codes' F1")]
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(bands))
    for i, band in enumerate(bands):
        middle = LEFT + (i + 0.5) * slot
        macro = band.macro_f1_mean_of_codes_present
        if macro is not None:
            marks += _bar(middle - 29, 27, float(band.micro.f1), MICRO)
            marks += _bar(middle + 2, 27, macro, MACRO)
        marks.append(_text(middle, HEIGHT - BOTTOM + 18, band.label))
        noun = "code" if band.codes_present == 1 else "codes"
        marks.append(_text(middle, HEIGHT - BOTTOM + 34, f"{band.codes_present:,} {noun}", size=11, colour="#6b7780"))
    return _svg(marks)


def reliability(bins: Sequence[Bin]) -> str:
    """Share of gold against mean probability of each bin; on the diagonal the two agree."""
    marks = _grid("Share of gold by predicted probability")
    marks.append(_line(_x(0), _y(0), _x(1), _y(1), "#8a949c", dashes=True))
    filled = [b for b in bins if b.pairs]
    points = " ".join(f"{_x(b.mean_probability):.1f},{_y(b.share_gold):.1f}" for b in filled)
    marks.append(f'<polyline points="{points}" fill="none" stroke="{MICRO}" stroke-width="2"/>')
    for b in filled:
        told = f"probability {b.low:g} to {b.high:g}: {b.pairs:,} pairs, {b.gold:,} gold"
        place = f'cx="{_x(b.mean_probability):.1f}" cy="{_y(b.share_gold):.1f}"'
        marks.append(f'<circle {place} r="4" fill="{MICRO}"><title>{told}</title></circle>')
    marks += [_text(_x(i / 5), HEIGHT - BOTTOM + 18, f"{i / 5:.1f}") for i in range(6)]
    marks.append(_text(_x(0.5), HEIGHT - BOTTOM + 40, "predicted probability"))
    return _svg(marks)


def concepts_on(shares: Sequence[OnShare]) -> str:
    """How the pairs of a note and a code spread over the share of the code's concepts that are on: gold, and others."""
    marks = [*_grid("Pairs by the share of the code's concepts that are on"), *_legend("gold pairs", "other pairs")]
    gold, other = (max(1, sum(found)) for found in zip(*((one.gold, one.other) for one in shares), strict=True))
    slot = (WIDTH - LEFT - RIGHT) / len(shares)
    for i, one in enumerate(shares):
        middle = LEFT + (i + 0.5) * slot
        marks += _bar(middle - 25, 24, one.gold / gold, MICRO)
        marks += _bar(middle + 1, 24, one.other / other, MACRO)
        marks.append(_text(middle, HEIGHT - BOTTOM + 18, f"{one.sevenths}/{shares[-1].sevenths}"))
    return _svg(marks)


def trained_shares(systems: Sequence[Trained]) -> str:
    """Micro-F1 against the share of trained weights, whose axis is logarithmic; whiskers are intervals over seeds."""
    marks = _grid("Micro-F1 by share of trained weights")
    lowest = min(-1, floor(log10(min(one.share for one in systems))))
    for power in range(lowest, 1):
        marks.append(_text(_x(1 - power / lowest), HEIGHT - BOTTOM + 18, f"{100 * 10.0**power:g} %", anchor="end"))
    marks.append(_text(_x(0.5), HEIGHT - BOTTOM + 40, "share of trained weights"))
    for one in sorted(systems, key=lambda one: one.share):
        x, y = _x(1 - log10(one.share) / lowest), _y(one.f1)
        marks.append(_line(x, _y(min(1, one.f1 + one.half)), x, _y(max(0, one.f1 - one.half)), MICRO))
        told = f"{one.system}: {one.f1:.3f} at {one.share:.2%}"
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{MICRO}"><title>{_safe(told)}</title></circle>')
        left = x > _x(0.5)
        marks.append(_text(x + (-8 if left else 8), y + 4, one.system, size=10, anchor="end" if left else "start"))
    return _svg(marks)


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _grid(title: str) -> list[str]:
    marks = [_text(LEFT, 24, title, size=14, anchor="start")]
    for i in range(6):
        marks.append(_line(LEFT, _y(i / 5), WIDTH - RIGHT, _y(i / 5), FAINT))
        marks.append(_text(LEFT - 8, _y(i / 5) + 4, f"{i / 5:.1f}", anchor="end"))
    return marks


def _legend(first: str, second: str) -> list[str]:
    marks = []
    for i, (label, colour) in enumerate(((first, MICRO), (second, MACRO))):
        x = LEFT + 120 + 110 * i
        marks.append(f'<rect x="{x}" y="{HEIGHT - 18}" width="11" height="11" fill="{colour}"/>')
        marks.append(_text(x + 16, HEIGHT - 8, label, anchor="start"))
    return marks


def _bar(x: float, width: float, share: float, colour: str) -> list[str]:
    y = _y(share)
    bar = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:g}" height="{_y(0) - y:.1f}" fill="{colour}"/>'
    return [bar, _text(x + width / 2, y - 4, f"{share:.2f}", size=10)]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dashes: bool = False) -> str:
    dash = ' stroke-dasharray="5 4"' if dashes else ""
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {place} stroke="{colour}"{dash}/>'


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "middle", colour: str = INK) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}"'
    return f'<text {place} font-size="{size}" text-anchor="{anchor}" fill="{colour}">{_safe(text)}</text>'


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _svg(marks: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    return "\n".join([head, ground, *marks, "</svg>"]) + "\n"

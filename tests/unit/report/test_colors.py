"""Colours that everybody can read and tell apart, in both themes."""

import itertools
import re
from pathlib import Path

import pytest

STYLES = Path(__file__).parents[3] / "toolkit" / "report" / "static" / "styles.css"
THEMES = ["light", "dark"]
GROUNDS = ["bg", "surface", "card", "hover"]
TEXTS = [
    "text", "muted", "accent",
    "tool-airbyte", "tool-dbt", "tool-python", "tool-ml", "tool-exposure",
    "state-ok", "state-warn", "state-error", "state-stale", "state-skipped",
]  # fmt: skip
TOLD_APART = ["state-ok", "state-warn", "state-error", "state-skipped"]

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
VISIONS = {
    "deuteranopia": [
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ],
    "protanopia": [
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ],
    "normal": [(1, 0, 0), (0, 1, 0), (0, 0, 1)],
}

Color = tuple[float, float, float]


def tokens(theme: str) -> dict[str, Color]:
    pattern = r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);"
    found = re.findall(pattern, STYLES.read_text(encoding="utf-8"))
    place = THEMES.index(theme)
    return {name: linear(values[place]) for name, *values in found}


def linear(color: str) -> Color:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return r, g, b


def luminance(color: Color) -> float:
    return 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2]


def contrast(one: Color, other: Color) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def lab(color: Color) -> Color:
    r, g, b = (min(1.0, max(0.0, c)) for c in color)
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883,
    )
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def seen(color: Color, vision: str) -> Color:
    r, g, b = (sum(m * c for m, c in zip(row, color, strict=True)) for row in VISIONS[vision])
    return r, g, b


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", GROUNDS)
def test_text_can_be_read(theme: str, ground: str) -> None:
    colors = tokens(theme)
    poor = {name: round(contrast(colors[name], colors[ground]), 2) for name in TEXTS}
    assert {name: ratio for name, ratio in poor.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_marked_sql_can_be_read_and_is_seen(theme: str) -> None:
    colors = tokens(theme)
    assert contrast(colors["text"], colors["mark"]) >= 4.5
    assert contrast(colors["mark"], colors["surface"]) > 1.1


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("vision", VISIONS)
def test_states_can_be_told_apart(theme: str, vision: str) -> None:
    colors = tokens(theme)
    near = {}
    for one, other in itertools.combinations(TOLD_APART, 2):
        a, b = lab(seen(colors[one], vision)), lab(seen(colors[other], vision))
        distance = sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5
        if distance < 10:
            near[one, other] = round(distance, 1)
    assert near == {}

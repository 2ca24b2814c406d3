"""Plots of findings as SVG: drawn here, without any script, in the colours of the page.

What a finding's rows hold says how they are drawn:

- ``score, without, with``: shares of a score in bins, without and with the person;
- ``false_positives, true_positives, cap``: a receiver operating characteristic and its bound;
- ``x, y, series``: lines, one a series; further columns ``x_title`` and ``y_title`` name the axes;
- ``bar, series, value, lo, hi``: points with intervals, one line a bar; ``title`` names the values.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

INK, QUIET, LINE, ACCENT, WARM = (
    "var(--ink)",
    "var(--quiet)",
    "var(--line)",
    "var(--accent)",
    "var(--warm)",
)
PLAIN = {
    INK: "#1b2430",
    QUIET: "#55606d",
    LINE: "#d9dcd6",
    ACCENT: "#0b6593",
    WARM: "#b8480c",
}
"""The page's light colours, for plots that stand alone."""
_WIDTH, _HEIGHT = 300, 170
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
_DASHES = [[1, 0], [4, 3], [1, 2], [6, 2, 1, 2]]


def plots_of(result: Mapping[str, Any]) -> dict[str, str]:
    """Return plots that stand alone, by file name without its ending."""
    found = {}
    for one in result["findings"]:
        svg = plot_of(one)
        if svg:
            for colour, plain in PLAIN.items():
                svg = svg.replace(colour, plain)
            found[f"{result['audit']}-{slug(one['name'])}"] = svg
    return found


def plot_of(finding: Mapping[str, Any]) -> str:
    """Return the plot of one finding as SVG that follows the page's colours; "" without rows."""
    rows = finding["rows"]
    if not rows:
        return ""
    names = set(rows[0])
    if {"score", "without", "with"} <= names:
        return _svg(_histogram(rows))
    if {"false_positives", "true_positives"} <= names:
        return _svg(_curve(rows))
    if {"x", "y", "series"} <= names:
        return _svg(_lines(rows))
    if {"bar", "series", "value", "lo", "hi"} <= names:
        return _svg(_bars(rows))
    raise ValueError(f"{finding['name']}: no plot is known for rows of {', '.join(sorted(names))}")


def slug(name: str) -> str:
    """Return a name as letters, digits and hyphens.

    >>> slug("Group of 1,000, a week")
    'group-of-1-000-a-week'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _histogram(rows: Any) -> Any:
    import altair as alt

    long = [
        {"score": row["score"], "share": row[name], "person": said}
        for row in rows
        for name, said in (("without", "left out"), ("with", "in the records"))
    ]
    colour = _colour(["left out", "in the records"])
    base = alt.Chart(alt.InlineData(values=long)).encode(
        x=alt.X("score:Q", title="score", axis=_axis(4)),
        y=alt.Y("share:Q", title="share of runs", axis=_axis(3, ".0%"), stack=None),
    )
    filled = base.mark_area(interpolate="step", opacity=0.18).encode(
        color=_colour(["left out", "in the records"], legend=False)
    )
    line = base.mark_line(interpolate="step", strokeWidth=1.6).encode(color=colour)
    return filled + line


def _curve(rows: Any) -> Any:
    import altair as alt

    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("false_positives:Q", title="false positives", axis=_axis(3, ".0%"))
    )
    cap = base.mark_line(color=WARM, strokeDash=[4, 3], strokeWidth=1.6).encode(y="cap:Q")
    line = base.mark_line(color=ACCENT, strokeWidth=1.8, interpolate="linear").encode(
        y=alt.Y("true_positives:Q", title="true positives", axis=_axis(3, ".0%"))
    )
    return line + cap if "cap" in rows[0] else line


def _lines(rows: Any) -> Any:
    import altair as alt

    series = list(dict.fromkeys(row["series"] for row in rows))
    x_title, y_title = rows[0].get("x_title"), rows[0].get("y_title")
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("x:Q", title=x_title, axis=_axis(4), scale=alt.Scale(zero=False)),
        y=alt.Y("y:Q", title=y_title, axis=_axis(3)),
        color=_colour(series),
        strokeDash=alt.StrokeDash(
            "series:N", sort=series, scale=alt.Scale(range=_DASHES), legend=None
        ),
    )
    return base.mark_line(strokeWidth=1.8, point={"size": 18, "filled": True})


def _bars(rows: Any) -> Any:
    import altair as alt

    series = list(dict.fromkeys(row["series"] for row in rows))
    bars = list(dict.fromkeys(row["bar"] for row in rows))
    scale = alt.Scale(domain=series, range=[ACCENT, QUIET, WARM, INK][: len(series)])
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("bar:N", sort=bars, title=None, axis=alt.Axis(labelLimit=220)),
        yOffset=alt.YOffset("series:N", sort=series),
        color=alt.Color(
            "series:N", sort=series, scale=scale, legend=alt.Legend(title=None, orient="top")
        ),
    )
    axis = _axis(4, ".0%")
    value = alt.X("value:Q", title=rows[0].get("title"), axis=axis, scale=alt.Scale(zero=True))
    span = base.mark_rule(strokeWidth=1.8).encode(x=alt.X("lo:Q"), x2="hi:Q")
    points = base.mark_point(filled=True, size=55, opacity=1.0).encode(x=value)
    room = {"left": 28, "top": 4, "right": 8, "bottom": 4}  # for fonts wider than those measured
    return (points + span).properties(padding=room)


def _colour(series: list[str], *, legend: bool = True) -> Any:
    import altair as alt

    name = "person" if series == ["left out", "in the records"] else "series"
    scale = alt.Scale(domain=series, range=[QUIET, ACCENT, WARM, INK][-len(series) :])
    if name == "person":
        scale = alt.Scale(domain=series, range=[QUIET, ACCENT])
    shown = alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3)
    return alt.Color(f"{name}:N", sort=series, scale=scale, legend=shown if legend else None)


def _axis(ticks: int, form: str = ",~r") -> Any:
    import altair as alt

    return alt.Axis(tickCount=ticks, format=form)


def _svg(chart: Any) -> str:
    """Return a chart as SVG, its width that of its box."""
    import vl_convert

    spec = chart.properties(width=_WIDTH, height=_HEIGHT, background="transparent").to_dict()
    spec["config"] = {
        "font": _FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": QUIET,
            "titleColor": QUIET,
            "gridColor": LINE,
            "domain": False,
            "ticks": False,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "labelPadding": 6,
        },
        "legend": {"labelColor": QUIET, "labelFontSize": 12},
    }
    return str(vl_convert.vegalite_to_svg(json.dumps(spec)))

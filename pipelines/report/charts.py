"""Chart specifications. Data are put in by the page; colours are the page's own variables."""

from __future__ import annotations

from typing import Any

INK, LINE, ACCENT, WARM = "var(--ink)", "var(--line)", "var(--accent)", "var(--warm)"
_HATCH = "url(#hatch)"
_BAND_OPACITY = 0.22
_SCALE = "min(width / spanX, height / spanY)"
_TICKS = "sequence(0, last, max(1, ceil(last / max(1, floor(width / 74)))))"
_NUMBERS = ",~r"


def chart_specs() -> dict[str, dict[str, Any]]:
    """Return every chart as Vega-Lite: map, flows, series, daily, bars."""
    return {
        "map": _plain(_map(_presence())),
        "flows": _plain(_map(_flows())),
        "series": _plain(_series()),
        "daily": _plain(_daily()),
        "bars": _plain(_bars()),
    }


def _plain(chart: Any) -> dict[str, Any]:
    spec: dict[str, Any] = chart.to_dict()
    for name in ("$schema", "config"):
        spec.pop(name, None)
    return spec


def _map(contents: list[Any]) -> Any:
    """Zones in kilometres on a plane, with a scale bar; ``spanX`` and ``spanY`` always fit."""
    import altair as alt

    furniture = alt.Chart(alt.NamedData("furniture"))
    bar = furniture.transform_filter("datum.geometry").mark_geoshape(
        aria=False, filled=False, stroke=INK, strokeWidth=1.5
    )
    words = (
        furniture.transform_filter("datum.text")
        .mark_text(aria=False, color=INK, fontSize=11, align="left", baseline="bottom", dx=2, dy=-3)
        .encode(longitude="x:Q", latitude="y:Q", text="text:N")
    )
    return (
        alt.layer(*contents, bar, words)
        .properties(width="container", height=1)
        .add_params(
            alt.param(name="top", value=1),
            alt.param(name="spanX", value=1),
            alt.param(name="spanY", value=1),
            alt.param(name="lift", value=0),
        )
        .project(
            type="identity",
            reflectY=True,
            scale=alt.ExprRef(_SCALE),
            translate=alt.ExprRef(f"[width / 2, height / 2 - lift * {_SCALE}]"),
        )
    )


def _presence() -> list[Any]:
    import altair as alt

    zones = alt.Chart(alt.NamedData("zones"))
    tooltip = [
        alt.Tooltip("name:N", title="zone"),
        alt.Tooltip("said:N", title="estimate"),
        alt.Tooltip("interval:N", title="95% interval"),
        alt.Tooltip("precision:N", title="precision"),
    ]
    legend = alt.Legend(
        title=None, orient="bottom", direction="horizontal", gradientThickness=10, format=_NUMBERS
    )
    shade = alt.Color(
        "shown:Q",
        scale=alt.Scale(domainMin=0, domainMax=alt.ExprRef("top"), clamp=True),
        legend=legend,
    )
    fill = alt.condition("datum.sound", shade, alt.value(_HATCH))
    shapes = zones.mark_geoshape(stroke="var(--edge)", strokeWidth=0.6, cursor="pointer")
    return [shapes.encode(color=fill, tooltip=tooltip), _chosen()]


def _flows() -> list[Any]:
    import altair as alt

    ties = alt.Chart(alt.NamedData("flows"))
    tooltip = [alt.Tooltip("name:N", title="flow"), alt.Tooltip("said:N", title="trips a date")]
    width = alt.StrokeWidth("width:Q", scale=None)
    shapes = (
        alt.Chart(alt.NamedData("zones"))
        .mark_geoshape(fill="var(--hatch-ground)", stroke=LINE, strokeWidth=0.8, cursor="pointer")
        .encode(tooltip=[alt.Tooltip("name:N", title="zone")])
    )
    lines = (
        ties.transform_filter("datum.line")
        .mark_geoshape(filled=False, stroke=WARM, opacity=0.75, strokeCap="round")
        .encode(strokeWidth=width, tooltip=tooltip)
    )
    heads = (
        ties.transform_filter("!datum.line")
        .mark_geoshape(fill=WARM, opacity=0.9)
        .encode(tooltip=tooltip)
    )
    return [shapes, _chosen(), lines, heads]


def _chosen() -> Any:
    import altair as alt

    zones = alt.Chart(alt.NamedData("zones"))
    return zones.transform_filter("datum.chosen").mark_geoshape(
        filled=False, stroke=WARM, strokeWidth=2.6
    )


def _series() -> Any:
    import altair as alt

    base = alt.Chart(alt.NamedData("series")).encode(
        x=alt.X(
            "x:Q",
            title=None,
            scale=alt.Scale(nice=False, zero=False, domain=alt.ExprRef("[0, last]")),
            axis=alt.Axis(
                values=alt.ExprRef(_TICKS),
                labelExpr="labels[datum.value]",
                labelAlign="left",
                labelOffset=2,
                labelBound=True,
                grid=True,
            ),
        )
    )
    value, tooltip = _value(), _tooltip("when")
    band = base.mark_area(color=ACCENT, opacity=_BAND_OPACITY).encode(y="lo:Q", y2="hi:Q")
    line = base.mark_line(color=ACCENT, strokeWidth=1.6).encode(y=value)
    dots = base.mark_circle(color=ACCENT, size=90, opacity=0).encode(y=value, tooltip=tooltip)
    return (
        (band + line + dots)
        .properties(width="container", height=230)
        .add_params(alt.param(name="last", value=1), alt.param(name="labels", value=[""]))
    )


def _daily() -> Any:
    import altair as alt

    base = alt.Chart(alt.NamedData("daily")).encode(
        x=alt.X(
            "date:O",
            title=None,
            sort=None,
            axis=alt.Axis(labelAngle=0, labelOverlap="parity", labelSeparation=8),
        )
    )
    value, tooltip = _value(), _tooltip("date")
    whisker = base.mark_rule(color=ACCENT, strokeWidth=3, opacity=0.5).encode(y="lo:Q", y2="hi:Q")
    line = base.mark_line(color=ACCENT, strokeWidth=1, opacity=0.6).encode(y=value)
    dots = base.mark_circle(color=ACCENT, size=36, opacity=1).encode(y=value, tooltip=tooltip)
    return (line + whisker + dots).properties(width="container", height=130)


def _bars() -> Any:
    import altair as alt

    base = alt.Chart(alt.NamedData("bars")).encode(
        y=alt.Y("label:N", title=None, sort=None, axis=alt.Axis(ticks=False))
    )
    value = alt.X(
        "value:Q", title=None, axis=alt.Axis(format=_NUMBERS, tickCount=5, labelFlush=False)
    )
    tooltip = [
        alt.Tooltip("label:N", title="of"),
        alt.Tooltip("said:N", title="estimate"),
        alt.Tooltip("interval:N", title="95% interval"),
    ]
    fill = alt.condition("datum.faint", alt.value(_HATCH), alt.value(ACCENT))
    bar = base.mark_bar(opacity=0.5, height={"band": 0.62}).encode(
        x=value, color=fill, tooltip=tooltip
    )
    whisker = base.mark_rule(color=INK, strokeWidth=1.4).encode(x="lo:Q", x2="hi:Q")
    return (bar + whisker).properties(width="container", height=1)


def _value() -> Any:
    """Return the axis of an estimate."""
    import altair as alt

    axis = alt.Axis(format=_NUMBERS, tickCount=5)
    return alt.Y("value:Q", title=None, scale=alt.Scale(zero=True), axis=axis)


def _tooltip(at: str) -> list[Any]:
    """Return what is said of a point: where on the axis it is, and its estimate."""
    import altair as alt

    titles = {at: at, "said": "estimate", "interval": "95% interval"}
    return [alt.Tooltip(f"{name}:N", title=title) for name, title in titles.items()]

"""The sections of the page: each is there when the release has what it shows."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.report import sections
from pipelines.report.contents import SHOWN, Contents
from pipelines.report.html import element, figure, folded, interval, table
from pipelines.report.payload import date_text
from pipelines.report.totals import mean_of_dates

_PRECISION = ("ok", "low precision", "0 by definition", "no value")
_HATCHED = (
    '<p class="key"><span><svg width="26" height="14" aria-hidden="true"><rect width="26"'
    ' height="14" class="key-box" fill="url(#hatch)"/></svg>low precision: not to be read alone'
    '</span><span class="hint">A click on a zone follows it on the whole page.</span></p>'
)
_ZONE = '<label class="wide">Zone<select id="zone"></select></label>'
_CONTROLS = (
    '<label class="wide">Show<select id="layer"></select></label>'
    '<label class="wide">Date<select id="date"></select></label>'
    f"{_ZONE}"
    '<label class="wide" id="hour-control">'
    '<span>Time of day: <output id="hour-said"></output></span>'
    '<input type="range" id="hour" min="0" max="0" value="0" step="1"></label>'
    '<label class="tick"><input type="checkbox" id="density">per km\u00b2</label>'
    '<label class="tick"><input type="checkbox" id="all">colour low precision too</label>'
)


def blocks(contents: Contents) -> Iterator[str]:
    """Yield the sections in reading order."""
    yield _promise(contents)
    yield _precision(contents)
    if contents.layers:
        yield _map(contents)
    if contents.daily:
        yield _daily(contents)
    if contents.flows:
        yield _flows(contents)
    if contents.panel[0]:
        yield _panel(contents)
    yield _reading(contents)


def _promise(contents: Contents) -> str:
    return (
        '<section class="card"><div class="two"><div><h2>The promise</h2>'
        + sections.promise(contents.guarantee)
        + "</div><div><h2>What it does not promise</h2>"
        + sections.not_promised(contents.guarantee)
        + "</div></div>"
        + sections.losses(contents.guarantee)
        + "</section>"
    )


def _precision(contents: Contents) -> str:
    said = (
        "Every number carries random noise and says how much. Low precision is no fault: such"
        " numbers are right on average, and sums over many of them are sound."
    )
    return (
        '<section class="card"><h2>How many numbers, and how precise</h2>'
        + element("p", said)
        + sections.precision(contents.precision)
        + sections.thresholded(contents.guarantee.get("thresholded", ()))
        + "</section>"
    )


def _map(contents: Contents) -> str:
    rows = [
        (name, *(text for cell in cells for text in cell))
        for name, *cells in zip(
            contents.names,
            *([_cell(*one) for one in mean_of_dates(layer)] for layer in contents.layers),
            strict=True,
        )
    ]
    head = ["zone"]
    for layer in contents.layers:
        head += [layer.title.lower(), "95% interval", "precision"]
    return (
        '<section class="card"><h2>Where people are</h2>'
        f'<div class="controls">{_CONTROLS}</div>'
        '<p class="said" id="map-said" role="status"></p>'
        '<div class="chart" id="map" role="group" aria-label="Map of the zones; the table below'
        ' holds the same numbers"></div>'
        + _HATCHED
        + '<h3>Over time</h3><p class="said" id="series-said" role="status"></p>'
        '<div class="chart" id="series" role="group" aria-label="Series over time with its 95%'
        ' interval"></div>'
        + folded(
            "Table: every zone, mean of all dates",
            table(head, rows, caption="Mean of all dates and times of day"),
        )
        + "</section>"
    )


def _daily(contents: Contents) -> str:
    charts = "".join(
        f"<div>{element('h3', one.title)}"
        f'<div class="chart" id="daily-{one.table}" role="group" aria-label="Total by date"></div>'
        "</div>"
        for one in contents.daily
    )
    rows = [
        (
            date_text(date),
            *(
                text
                for one in contents.daily
                for text in (
                    figure(one.points[i].value),
                    interval(one.points[i].value, one.points[i].half),
                )
            ),
        )
        for i, date in enumerate(contents.dates)
    ]
    head = ["date"]
    for one in contents.daily:
        head += [one.table, "95% interval"]
    said = (
        "Sums over all zones of the published numbers. The noise of n numbers adds up to the square"
        " root of n times that of one, so totals are far more precise than their parts. Where the"
        " city is measured itself, its total has less noise still."
    )
    return (
        f'<section class="card"><h2>All zones together, day by day</h2>{element("p", said)}'
        f'<div class="pair">{charts}</div>'
        + folded("Table: totals by date", table(head, rows, caption="Totals over all zones"))
        + "</section>"
    )


def _flows(contents: Contents) -> str:
    zone = "" if contents.layers else f'<div class="controls">{_ZONE}</div>'
    rows = [
        (
            f"{contents.names[flow.origin]} \u2192 {contents.names[flow.destination]}",
            figure(flow.value),
            interval(flow.value, flow.half),
            "yes" if flow.clear else "no",
        )
        for flow in contents.flows[:SHOWN]
    ]
    said = (
        "Means of the release's dates. The largest of many noisy numbers tend to be too large."
        " Flows in full colour are clear of noise: if nobody moved at all, even one such flow among"
        " all pairs would appear in at most 1 of 20 releases. Hatched ones may be noise."
    )
    return (
        f'<section class="card"><h2>The largest flows</h2>{element("p", said)}{zone}'
        '<p class="said" id="flows-said" role="status"></p><div class="pair">'
        '<div class="chart" id="flow-bars" role="group" aria-label="Largest flows with their 95%'
        ' intervals"></div>'
        '<div class="chart" id="flow-map" role="group" aria-label="Map of the largest flows"></div>'
        "</div>"
        + folded(
            "Table: the largest flows",
            table(
                ("flow", "trips a date", "95% interval", "clear of noise"),
                rows,
                caption="Mean of all dates",
            ),
        )
        + "</section>"
    )


def _panel(contents: Contents) -> str:
    overnight, hours = contents.panel
    rows = [
        (one.label, figure(one.value), interval(one.value, one.half))
        for one in (*overnight, *hours)
    ]
    said = (
        "Everyone observed on a date, once: the denominator of every rate. Means of the release's"
        " dates. Unknown: too little is known of the night, or it was spent outside the zones."
    )
    return (
        f'<section class="card"><h2>The panel</h2>{element("p", said)}<div class="pair"><div>'
        "<h3>By overnight zone</h3>"
        '<div class="chart" id="panel-zones" role="group" aria-label="Panel by overnight zone">'
        "</div></div><div><h3>By hours with a known zone</h3>"
        '<div class="chart" id="panel-hours" role="group" aria-label="Panel by observed hours">'
        "</div></div></div>"
        + folded(
            "Table: the panel",
            table(("group", "people a date", "95% interval"), rows, caption="Mean of all dates"),
        )
        + "</section>"
    )


def _reading(contents: Contents) -> str:
    return (
        '<section class="card two"><div><h2>How to read it</h2>'
        + sections.glossary()
        + "</div><div><h2>Status of a number</h2>"
        + sections.statuses(contents.limit)
        + "<h2>Files</h2>"
        + sections.files(contents.folder, contents.release)
        + "</div></section>"
    )


def _cell(value: float, half: float, status: int) -> tuple[str, str, str]:
    return figure(value), interval(value, half), _PRECISION[status]

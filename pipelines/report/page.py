"""``report.html``: one page that shows a release, offline, from the public folder alone."""

from __future__ import annotations

import importlib.resources
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from pipelines.release.read import Release, read_release
from pipelines.report import sections
from pipelines.report.blocks import blocks
from pipelines.report.charts import chart_specs
from pipelines.report.contents import Contents
from pipelines.report.head import head
from pipelines.report.html import element, embedded_json
from pipelines.report.payload import date_text

REPORT = "report.html"


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into a release folder and return its path.

    Reads public files only, costs nothing, and gives the same bytes for the same folder.

    Raises:
        VerifyError: the folder is no release folder or is not complete.
    """
    path = folder / REPORT
    path.write_text(render(folder), encoding="utf-8", newline="\n")
    return path


def render(release: Release | str | Path) -> str:
    """Return the page of a release as HTML that loads nothing.

    Args:
        release: A release folder, or what ``read_release`` gave for it.
    """
    opened = release if isinstance(release, Release) else read_release(release)
    contents = Contents(opened)
    script = _part("draw.js") + _part("page.js")
    bundle = _vega()
    title = str(opened.manifest["title"])
    words = {
        "head": head(title, scripts=(bundle, script)),
        "title": escape(title),
        "lede": escape(_lede(contents)),
        "facts": _facts(contents),
        "sections": "\n".join(blocks(contents)),
        "release": escape(opened.id),
        "data": embedded_json({**contents.payload(), "specs": chart_specs()}),
        "bundle": bundle,
        "script": script,
    }
    return Template(_part("page.html")).substitute(words)


def _facts(contents: Contents) -> str:
    numbers = sum(row.cells for row in contents.precision)
    epsilon, unit = sections.headline(contents.guarantee)
    dates = len(contents.dates)
    facts = (
        ("Dates", f"{dates:,}", "each from " + contents.day_starts),
        ("Zones", f"{len(contents.ids):,}", contents.zone_origin),
        ("Numbers", f"{numbers:,}", "each with its own error"),
        ("Privacy loss, at most", epsilon, unit),
    )
    return "".join(
        f"<div>{element('dt', name)}<dd>{escape(value)}{element('small', said)}</dd></div>"
        for name, value, said in facts
    )


def _lede(contents: Contents) -> str:
    first, last = contents.dates[0], contents.dates[-1]
    if first == last:
        return f"{date_text(first)} {first.year}"
    return f"{date_text(first)} {first.year} to {date_text(last)} {last.year}"


def _part(name: str) -> str:
    return importlib.resources.files("pipelines.report").joinpath(name).read_text("utf-8")


@cache
def _vega() -> str:
    """The chart library in one script, from the installed package; nothing is fetched."""
    import vl_convert

    bundle: Any = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return str(bundle).replace("</script", "<\\/script")

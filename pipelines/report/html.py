"""HTML from text: everything is escaped here, so that nothing else has to."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

_SMALL = 10.0


def element(tag: str, text: str, **attributes: str) -> str:
    """Return an element holding escaped text.

    >>> element("a", "1 < 2", href="tables/x.csv")
    '<a href="tables/x.csv">1 &lt; 2</a>'
    """
    said = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(v)}"' for name, v in attributes.items()
    )
    return f"<{tag}{said}>{escape(text)}</{tag}>"


def items(lines: Iterable[str]) -> str:
    """Return a bulleted list of escaped lines."""
    return "<ul>" + "".join(element("li", line) for line in lines) + "</ul>"


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str, stacks: bool = False
) -> str:
    """Return a table; the first column names the row, the others are set as figures.

    With ``stacks`` its cells stand below each other, each with its column's name, on a narrow page.
    """
    top = "".join(element("th", name, scope="col") for name in head)
    body = "".join(
        "<tr>"
        + element("th", row[0], scope="row")
        + "".join(
            element("td", cell, data_label=name)
            for name, cell in zip(head[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    kind = "stacks" if stacks else "plain"
    return (
        f'<div class="scroll"><table class="{kind}">{element("caption", caption)}'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def folded(summary: str, content: str) -> str:
    """Return content that opens on a click."""
    return f"<details>{element('summary', summary)}{content}</details>"


def embedded_json(content: Any) -> str:
    """Return JSON that is safe inside a script element: no character can end it."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def figure(value: float) -> str:
    """Return a number for reading: thousands apart, a decimal only where it tells something.

    >>> figure(12345.6), figure(3.26), figure(-0.0), figure(float("nan"))
    ('12,346', '3.3', '0', 'no value')
    """
    if not math.isfinite(value):
        return "no value"
    text = f"{value:,.1f}" if abs(value) < _SMALL else f"{value:,.0f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text.replace("-", "\N{MINUS SIGN}")


def interval(value: float, half: float) -> str:
    """Return "low to high" of a 95% interval.

    >>> interval(100.0, 20.0)
    '80 to 120'
    """
    return f"{figure(value - half)} to {figure(value + half)}"

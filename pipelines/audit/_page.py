"""``audit.html``: what was tried, what it achieved, and what it may achieve at most."""

from __future__ import annotations

import importlib.resources
from html import escape
from string import Template
from typing import TYPE_CHECKING, Any

from pipelines.audit._plots import plot_of
from pipelines.report.head import head
from pipelines.report.html import element, folded, items, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SIGNED = (
    (
        "What the release limits is what anyone learns about a person's movements because that"
        " person's records were used. Each attack below is tried with a person's records and"
        " without them; the difference must stay within what the ledger says the person loses."
    ),
    (
        "An attack that fails proves nothing by itself: the proofs beside the code carry the"
        " promise. The audit looks for errors in them and in the program, and negative controls"
        " show that it would see one."
    ),
)
_FLAT = 0.001
_SHOWN = 6


def page_of(content: Mapping[str, Any]) -> str:
    """Return the page of what ``_results.as_json`` gives, as HTML that loads nothing."""
    audited = content["audited"]
    return Template(_own("page.html")).substitute(
        head=head(f"Audit: {audited['title']}", more_css=_own("page.css")),
        title=escape(audited["title"]),
        lede=escape(_lede(audited)),
        facts=_facts(content),
        sections="\n".join(_sections(content)),
    )


def _sections(content: Mapping[str, Any]) -> Iterator[str]:
    yield '<section class="card"><h2>What this page shows</h2>' + _intro(content) + "</section>"
    for result in content["audits"]:
        yield f'<section class="card">{_section(result)}</section>'


def _intro(content: Mapping[str, Any]) -> str:
    said = "".join(element("p", text) for text in _SIGNED)
    alarms = [
        f"{result['title']}: {one['name']}"
        for result in content["audits"]
        for one in result["findings"]
        if not one["control"] and one["verdict"] == "broken"
    ]
    unseen = [
        f"{result['title']}: {one['name']}"
        for result in content["audits"]
        for one in result["findings"]
        if one["control"] and one["verdict"] != "broken"
    ]
    if alarms:
        warning = element("p", "A bound is broken. Do not release until it is explained:")
        said += f'<div class="alarm">{warning}{items(alarms)}</div>'
    if unseen:
        warning = element("p", "A control was not seen; more runs may show it:")
        said += f'<div class="alarm">{warning}{items(unseen)}</div>'
    return said


def _section(result: Mapping[str, Any]) -> str:
    tried = [one for one in result["findings"] if not one["control"]]
    controls = [one for one in result["findings"] if one["control"]]
    text = element("h2", result["title"]) + element("p", result["summary"])
    text += f"<p><strong>Bound.</strong> {escape(result['bound'])}</p>"
    text += _figures(tried)
    text += _plots(tried) if _few(tried) else folded("Plots", _plots(tried))
    if controls:
        text += element("h3", "Negative controls: releases that are wrong on purpose")
        text += _figures(controls) + folded("Plots of the controls", _plots(controls))
    text += folded("What was tried, in full", _details(result["findings"]))
    return text + f'<p class="note">Source: {escape(result["source"])}</p>'


def _figures(findings: Sequence[Mapping[str, Any]]) -> str:
    """Return tables of findings, one for each figure."""
    text = ""
    for figure in dict.fromkeys(one["figure"] for one in findings):
        group = [one for one in findings if one["figure"] == figure]
        outside = any(one["without_person"] for one in group)
        head = [
            "tried",
            "measured",
            *(["person left out"] if outside else []),
            "at most",
            "verdict",
        ]
        rows = [
            (
                one["name"],
                measured(one["with_person"]),
                *([measured(one["without_person"])] if outside else []),
                "nothing is promised" if one["bound"] is None else number(one["bound"]),
                verdict(one),
            )
            for one in group
        ]
        text += table(head, rows, caption=_caption(group[0]), stacks=True)
    return text


def _few(findings: Sequence[Mapping[str, Any]]) -> bool:
    return sum(bool(one["rows"]) for one in findings) <= _SHOWN


def _caption(one: Mapping[str, Any]) -> str:
    return (
        f"{one['figure'][:1].upper()}{one['figure'][1:]}, with limits at {one['confidence']:.0%}"
        f" confidence. At most: {one['bound_of']}"
    )


def _plots(findings: Sequence[Mapping[str, Any]]) -> str:
    drawn = [(one, plot_of(one)) for one in findings if one["rows"]]
    parts = [
        f'<figure role="group" aria-label="{escape(one["name"])}; the table holds its numbers">'
        f"{element('figcaption', one['name'])}{svg}</figure>"
        for one, svg in drawn
    ]
    return f'<div class="plots">{"".join(parts)}</div>' if parts else ""


def _details(findings: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for one in findings:
        text = element("dt", one["name"]) + element("dd", one["tried"])
        text += "".join(element("dd", note) for note in one["notes"])
        said = "; ".join(
            f"{name.replace('_', ' ')} {number(value)}" for name, value in one["figures"].items()
        )
        parts.append(f"<div>{text}{element('dd', said) if said else ''}</div>")
    return f"<dl>{''.join(parts)}</dl>"


def _facts(content: Mapping[str, Any]) -> str:
    audited = content["audited"]
    findings = [one for result in content["audits"] for one in result["findings"]]
    tried = [one for one in findings if not one["control"]]
    controls = [one for one in findings if one["control"]]
    held = sum(one["verdict"] == "holds" for one in tried)
    seen = sum(one["verdict"] == "broken" for one in controls)
    facts = (
        _people(audited),
        ("Dates", f"{audited['dates']:,}", f"rho {float(audited['rho']):.4g} in all"),
        ("Bounds that hold", f"{held} of {len(tried)}", "attacks within their bound"),
        ("Controls seen", f"{seen} of {len(controls)}", "errors made on purpose"),
    )
    return "".join(
        f"<div>{element('dt', name)}<dd>{escape(value)}{element('small', said)}</dd></div>"
        for name, value, said in facts
    )


def _people(audited: Mapping[str, Any]) -> tuple[str, str, str]:
    if audited["simulated"]:
        return "People", f"{audited['people']:,}", "simulated"
    return "People", "yours", "keep this page private"


def _lede(audited: Mapping[str, Any]) -> str:
    who = "Simulated people" if audited["simulated"] else "The custodian's own records: private"
    left_out = audited["tables_left_out"]
    missing = f" ({', '.join(left_out)} not audited)" if left_out else ""
    return (
        f"{who}, {audited['zones']} zones, {audited['dates']} dates; "
        f"tables {', '.join(audited['tables'])}{missing}; the unit is {audited['unit']}"
    )


def measured(one: Mapping[str, Any] | None) -> str:
    """Return a measured number with its limits or its standard error."""
    if one is None or one["value"] is None:
        return "none"
    text = number(one["value"])
    if one["lo"] is not None and one["hi"] is not None:
        return f"{text} ({number(one['lo'])} to {number(one['hi'])})"
    if one["lo"] is not None:
        return f"{text} (at least {number(one['lo'])})"
    return text if one["se"] is None else f"{text} \u00b1 {number(one['se'])}"


def verdict(one: Mapping[str, Any]) -> str:
    """Return a verdict in words; a control is there to be caught."""
    if one["control"]:
        return "caught" if one["verdict"] == "broken" else "not caught"
    return str(one["verdict"])


def number(value: float | None) -> str:
    """Return a number for reading.

    >>> number(0.123456), number(12.3456), number(0.00067), number(100000.0), number(None)
    ('0.123', '12.35', '0.0007', '100,000', 'none')
    """
    if value is None:
        return "none"
    if value == int(value):
        return f"{int(value):,}"
    if 0 < abs(value) < _FLAT:
        return f"{value:.4f}" if abs(value) >= _FLAT / 10 else f"{value:.1e}"
    return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.2f}"  # noqa: PLR2004  three digits


def _own(name: str) -> str:
    return importlib.resources.files("pipelines.audit").joinpath(name).read_text("utf-8")

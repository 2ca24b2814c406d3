"""The head of a page: its style, and a policy under which it loads nothing."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
from collections.abc import Sequence
from html import escape
from string import Template

_STYLE = "page.css"


def head(title: str, *, scripts: Sequence[str] = (), more_css: str = "") -> str:
    """Return a page up to its body.

    Args:
        title: Text, not yet escaped.
        scripts: The only scripts that may run, as they will stand in the page.
        more_css: Style behind that of all pages.
    """
    return Template(_part("head.html")).substitute(
        policy=_policy(scripts), title=escape(title), css=_part(_STYLE) + more_css
    )


def _policy(scripts: Sequence[str]) -> str:
    """Return a content policy under which only these scripts run and nothing is loaded."""
    hashes = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    runs = f" script-src {allowed};" if allowed else ""
    return (
        f"default-src 'none';{runs} style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
        " form-action 'none'"
    )


def _part(name: str) -> str:
    return importlib.resources.files("pipelines.report").joinpath(name).read_text("utf-8")

"""Audits are one file with one declaration each, found by their folder."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from pipelines.audit import Audit, audits, discover


@pytest.mark.parametrize("name", sorted(audits()))
def test_every_audit_says_what_it_tries_and_what_it_must_respect(name: str) -> None:
    one = audits()[name]
    assert re.fullmatch(r"[a-z][a-z-]+", name)
    assert one.summary.endswith(".")
    assert one.bound.endswith(".")
    assert re.search(r"\d{4}", one.source), "a source names its year"


@pytest.mark.parametrize(
    ("text", "words"),
    [("X = 1\n", "must declare AUDIT"), ("AUDIT = 3\n", "must declare AUDIT")],
)
def test_a_module_without_a_declaration_is_refused(
    text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "planted"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "wrong.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TypeError, match=words):
        discover("planted", [str(package)])
    for name in [name for name in sys.modules if name.startswith("planted")]:
        del sys.modules[name]


def test_the_registry_holds_declarations_alone() -> None:
    found = audits()
    assert "lower-bound" in found
    assert all(isinstance(one, Audit) for one in found.values())

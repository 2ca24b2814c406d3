"""``init`` and ``schema``: what a new user meets first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def test_init_writes_a_spec_a_policy_and_their_schemas(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "새 도시 1"
    text = run("init", folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "policy.schema.json",
        "policy.toml",
        "release.schema.json",
        "release.toml",
    ]
    assert text.count("wrote") == 4
    assert "Next: edit both TOML files" in text


def test_init_keeps_what_is_there(run: Any, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("mine", encoding="utf-8")
    text = run("init", tmp_path)
    assert "kept" in text
    assert "policy.toml (it was there already)" in " ".join(text.split())
    assert (tmp_path / "policy.toml").read_text(encoding="utf-8") == "mine"
    assert "wrote" not in run("init", tmp_path)


def test_init_where_nothing_can_be_written_is_one_line(run: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    (line,) = run.lines("init", tmp_path / "file", code=2)
    assert line.endswith("cannot be written: File exists. Write another folder.")


def test_the_template_plans_into_a_clear_list_of_what_is_still_missing(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run("init")
    (line,) = run.lines("plan", code=2)
    assert line.startswith('error: release.toml, zones: file does not exist: "zones.geojson".')


@pytest.mark.parametrize("document", ["release", "policy"])
def test_schemas_are_json(run: Any, document: str) -> None:
    schema = json.loads(run("schema", document))
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["title"] == f"Murmuration {document}"


def test_the_schema_of_a_release_is_the_default(run: Any) -> None:
    assert run("schema") == run("schema", "release")
    run("schema", "nothing", code=2)

"""The schema for editors says the same as the loader."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import SpecError
from pipelines.spec import json_schema, load_policy, load_spec, policy_schema
from pipelines.spec.templates import template, write_templates

Change = Callable[..., Path]


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [ref for item in node for ref in _references(item)]
    if not isinstance(node, dict):
        return []
    here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return here + [ref for item in node.values() for ref in _references(item)]


def test_every_reference_of_the_schema_is_defined() -> None:
    schema = json_schema()
    references = _references(schema)
    assert len(references) >= 8
    assert {ref.removeprefix("#/$defs/") for ref in references} <= set(schema["$defs"])


def test_tables_are_a_union_told_apart_by_name() -> None:
    schema = json_schema()
    items = schema["properties"]["tables"]["items"]
    names = list(items["discriminator"]["mapping"])
    assert names == ["panel", "presence", "visits", "od_flows"]
    assert len(items["oneOf"]) == len(names)
    flows = schema["$defs"]["table_od_flows"]
    assert flows["properties"]["table"]["const"] == "od_flows"
    assert set(flows["required"]) == {"table", "cap"}
    assert flows["additionalProperties"] is False
    assert flows["properties"]["cap"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 1000,
        "description": "One person on one date counts at most this much (see ``bounding``).",
    }


def test_no_key_may_be_null_and_every_field_is_described() -> None:
    for schema in (json_schema(), policy_schema()):
        assert '"null"' not in json.dumps(schema)
        assert "null" not in json.dumps(schema)
        for model in [schema, *schema.get("$defs", {}).values()]:
            for name, field in model.get("properties", {}).items():
                assert "description" in field or "$ref" in field, name


def _judge(schema: dict[str, Any], document: dict[str, Any]) -> list[str]:
    jsonschema = pytest.importorskip("jsonschema", reason="the validator is not installed")
    jsonschema.Draft202012Validator.check_schema(schema)
    plain = json.loads(json.dumps(document, default=str))
    return [e.message for e in jsonschema.Draft202012Validator(schema).iter_errors(plain)]


def test_a_validator_accepts_what_the_loader_accepts(folder: Path) -> None:
    spec = tomllib.loads((folder / "release.toml").read_text(encoding="utf-8"))
    policy = tomllib.loads((folder / "policy.toml").read_text(encoding="utf-8"))
    assert _judge(json_schema(), spec) == []
    assert _judge(policy_schema(), policy) == []


@pytest.mark.parametrize(
    "swap",
    [
        ("cap = 4", "cap = 0"),
        ('table = "presence"', 'table = "presense"'),
        ("days = 7", "days = 7, dais = 1"),
        ("share = 7", "share = 0.5"),
        ('kind = "pings"', 'kind = "ping"'),
    ],
)
def test_a_validator_refuses_what_the_loader_refuses(change: Change, swap: tuple[str, str]) -> None:
    path = change(swap)
    with pytest.raises(SpecError):
        load_spec(path)
    assert _judge(json_schema(), tomllib.loads(path.read_text(encoding="utf-8")))


def test_the_templates_load_without_faults_once_their_paths_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pipelines.tables

    monkeypatch.undo()  # the declared tables themselves, not the small ones of this folder
    assert pipelines.tables.TABLES
    written, kept = write_templates(tmp_path)
    assert (len(written), kept) == (4, [])
    (tmp_path / "pings").mkdir()
    (tmp_path / "pings" / "a.parquet").write_bytes(b"")
    (tmp_path / "zones.geojson").write_bytes(b"")
    assert load_policy(tmp_path / "policy.toml").unit.window_days == 30
    spec = load_spec(tmp_path / "release.toml")
    assert [t.table for t in spec.tables] == ["panel", "presence", "visits", "od_flows"]


def test_every_commented_line_of_the_templates_is_right_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user who removes a '# ' must not meet a fault."""
    for name in ("sensitive.csv", "optout.csv", "strata.csv", "zones.geojson", "series.ledger"):
        (folder / name).write_bytes(b"")
    (folder / "outages.csv").write_text("zone,from,to\n", encoding="utf-8")
    text = _uncommented(template("release.toml"))
    for line in ("grid =", "h3 =", "time_unit =", "share ="):
        kept = [row for row in text.splitlines() if not row.startswith(line)]
        text = "\n".join(kept) if line != "share =" else text
    (folder / "release.toml").write_text(text, encoding="utf-8")
    spec = load_spec("release.toml")
    assert spec.issue == 1
    assert [s.kind for s in spec.sources] == ["pings", "visits"]
    assert spec.exclusions is not None
    assert spec.outages == ()
    policy = _uncommented(template("policy.toml")).replace("ids_per_person_per_date = 1", "", 1)
    (folder / "policy.toml").write_text(policy, encoding="utf-8")
    assert load_policy("policy.toml").unit.subject == "device"


def _uncommented(text: str) -> str:
    def bare(line: str) -> str:
        inner = line.removeprefix("# ")
        key = inner.split("=")[0].strip()
        return inner if inner.startswith("[") or ("=" in inner and key.isidentifier()) else line

    return "\n".join(bare(line) for line in text.splitlines())


def test_templates_are_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "release.toml").write_text("mine", encoding="utf-8")
    written, kept = write_templates(tmp_path)
    assert kept == [tmp_path / "release.toml"]
    assert len(written) == 3
    assert (tmp_path / "release.toml").read_text(encoding="utf-8") == "mine"


def test_templates_name_the_schemas_that_lie_beside_them(tmp_path: Path) -> None:
    written, _ = write_templates(tmp_path)
    names = {path.name for path in written}
    for file in ("release.toml", "policy.toml"):
        first = template(file).splitlines()[0]
        assert first.removeprefix("#:schema ") in names

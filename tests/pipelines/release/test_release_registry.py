"""The record for OpenDP's deployments registry has the registry's fields, types and words."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from release_town import Town

from pipelines import read_release
from pipelines.release.registry import FOR_CUSTODIAN

SCHEMA = json.loads((Path(__file__).parent / "registry_schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft7Validator(SCHEMA, format_checker=Draft7Validator.FORMAT_CHECKER)


@pytest.fixture
def record(released: Town) -> dict[str, Any]:
    (made,) = released.releases.iterdir()
    return copy.deepcopy(read_release(made).privacy["registry"])


def _faults(record: dict[str, Any]) -> list[str]:
    return [
        f"{'.'.join(map(str, fault.path))}: {fault.message}"
        for fault in VALIDATOR.iter_errors(record)
    ]


def test_the_schema_itself_is_one() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_the_record_validates_against_the_registry_s_fields(record: dict[str, Any]) -> None:
    assert _faults(record) == []


def test_every_field_of_the_registry_s_third_tier_is_filled(record: dict[str, Any]) -> None:
    parts = record["deployment"]
    listed = SCHEMA["definitions"]["record"]["properties"]["deployment"]["properties"]
    for name, part in listed.items():
        fields = SCHEMA["definitions"][name] if "$ref" in part else part
        assert set(parts[name]) == set(fields["properties"]), name
    assert all(text.strip() for text in _texts(record))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("status", "Published"),
        ("tier", 4),
        ("surprise", "x"),
        ("deployment.basic.publication_date", "02/03/2026"),
        ("deployment.basic.data_curators", []),
        ("deployment.basic.data_product_sector", "Mobility"),
        ("deployment.dp_variant.variant_name", "zCDP"),
        ("deployment.privacy_loss.privacy_parameters.rho", "1/2"),
        ("deployment.privacy_loss.privacy_parameters.mu", 1.0),
        ("deployment.administrative.registry_authors", "me"),
    ],
)
def test_a_wrong_field_is_found(record: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    part = record
    for name in way:
        part = part[name]
    part[last] = value
    assert _faults(record)


def test_what_only_the_custodian_knows_is_left_to_them(record: dict[str, Any]) -> None:
    basic, notes = record["deployment"]["basic"], record["deployment"]["administrative"]
    assert basic["data_curators"] == notes["registry_authors"] == [FOR_CUSTODIAN]
    assert FOR_CUSTODIAN in basic["data_product_region"]
    assert record["status"] == "Draft"


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict | list):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from _texts(inner)

"""JSON Schema of specs and policies: for editors, and for saying what a wrong value should be."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from pipelines.schemas.derived import Derived
from pipelines.schemas.measured import Measured

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_EXACT = {"type": ["string", "integer"], "format": "fraction"}
_KEPT = {
    "default": "default",
    "description": "description",
    "examples": "examples",
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
}

Schema = dict[str, Any]


class _Toml(GenerateJsonSchema):
    """TOML has no null: an optional key is one that may be left out."""

    def nullable_schema(self, schema: Any) -> JsonSchemaValue:
        """Return the schema of the value alone."""
        return self.generate_inner(schema["schema"])


def model_schema(model: type[BaseModel]) -> Schema:
    """Return the JSON Schema of one model, without nulls, budgets as exact text."""
    schema: Schema = _tidy(model.model_json_schema(schema_generator=_Toml))
    return schema


def table_schema(measured: Measured | Derived) -> Schema:
    """Return the JSON Schema of one table's ``[[tables]]`` or ``[[derived]]`` entry."""
    schema = model_schema(measured.params)
    schema["title"] = measured.name
    schema["description"] = measured.summary
    schema["properties"]["table"] = {"const": measured.name, "description": measured.summary}
    return schema


def release_schema(
    spec_file: type[BaseModel],
    tables: Mapping[str, Measured],
    derived: Mapping[str, Derived],
) -> Schema:
    """Return the JSON Schema of ``release.toml``; table entries are discriminated unions."""
    schema = {"$schema": DIALECT, **model_schema(spec_file)}
    schema["properties"]["tables"]["items"] = _union(schema, "table", tables)
    schema["properties"]["derived"]["items"] = _union(schema, "derived", derived)
    schema["title"] = "Murmuration release"
    return schema


def _union(schema: Schema, kind: str, known: Mapping[str, Measured] | Mapping[str, Derived]) -> Any:
    """Define the entries of one kind in a schema; return what one of them is."""
    definitions = schema.setdefault("$defs", {})
    for name, declaration in known.items():
        entry = table_schema(declaration)
        definitions |= entry.pop("$defs", {})
        definitions[f"{kind}_{name}"] = entry
    pointers = {name: f"#/$defs/{kind}_{name}" for name in known}
    return {
        "oneOf": [{"$ref": pointer} for pointer in pointers.values()],
        "discriminator": {"propertyName": "table", "mapping": pointers},
    }


def _tidy(node: Any) -> Any:
    """Drop generated titles and null defaults; write exact numbers as text or integers."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    options = [node, *node.get("anyOf", [])]
    if any(isinstance(o, dict) and o.get("format") == "fraction" for o in options):
        kept = {_KEPT[k]: value for k, value in node.items() if k in _KEPT and value is not None}
        return {**copy.deepcopy(_EXACT), **kept}
    dropped = {"title"} if isinstance(node.get("title"), str) else set()
    if "default" in node and node["default"] is None:
        dropped.add("default")
    return {key: _tidy(value) for key, value in node.items() if key not in dropped}

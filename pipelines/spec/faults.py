"""From a validation error to clear lines: file, place, value, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipelines.spec.fields import nearest, said
from pipelines.spec.schema import Schema

Loc = tuple[str | int, ...]


def lines(
    error: ValidationError, *, schema: Schema, where: Callable[[Loc], str], at: Loc = ()
) -> list[str]:
    """Return one line per fault.

    Args:
        error: What pydantic found.
        schema: JSON Schema of the validated model: it says what a value should be.
        where: Gives the text that opens a line, from the place of the key's section.
        at: Where the validated model stands in the file.
    """
    found: dict[Loc, str] = {}
    for item in error.errors(include_url=False):
        loc = _written(schema, item["loc"])
        found.setdefault(loc, _line({**item, "loc": loc}, schema=schema, where=where, at=at))
    return list(found.values())


def opening(file: Path, *, table: str | None = None) -> Callable[[Loc], str]:
    """Return what opens a line for a place: "release.toml, tables[0] (visits): "."""

    def where(loc: Loc) -> str:
        cut = 2 if loc[:1] in (("tables",), ("derived",)) else len(loc)
        head, rest = place(loc[:cut]), place(loc[cut:])
        named = f" ({table})" if table and head else ""
        return ", ".join(part for part in (str(file), f"{head}{named}", rest) if part) + ": "

    return where


def place(loc: Loc) -> str:
    """Return a place as TOML users write it: ``sources[0].columns``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def expected(node: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """Return in words what a value of a schema node must be."""
    node = _resolved(node, root)
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(expected(option, root) for option in node["anyOf"]))
    values = [node["const"]] if "const" in node else node.get("enum")
    if values:
        return " or ".join(said(value) for value in values)
    longest = node.get("maxLength")
    exact = 'an exact number such as "1/2"'
    if "exclusiveMinimum" in node and isinstance(node.get("type"), list):
        exact = "an exact number" + _range(node)
    words = {
        "integer": "a whole number" + _range(node),
        "number": "a number" + _range(node),
        "string": f"text of at most {longest} letters" if longest else "text in quotes",
        "array": "a list" + (" with at least one entry" if node.get("minItems") else ""),
        "boolean": "true or false",
        "object": "a section with its own keys",
    }
    if node.get("format") == "date":
        return "a date without quotes"
    return words.get(str(node.get("type")), exact)


def _line(item: dict[str, Any], *, schema: Schema, where: Callable[[Loc], str], at: Loc) -> str:
    loc: Loc = item["loc"]
    kind, value = item["type"], item.get("input")
    if not loc:
        return f"{where(at)}{_sentence(item)}"
    holder, name = loc[:-1], loc[-1]
    opening = where((*at, *holder))
    if kind == "extra_forbidden":
        known = list(_node(schema, holder).get("properties", {}))
        hint = nearest(str(name), known) or f" Known here: {', '.join(known)}."
        return f"{opening}{said(str(name))} is not known.{hint}"
    node = _node(schema, loc)
    if kind == "missing":
        return f"{opening}{name} is missing.{_example(name, node, schema)}"
    if kind in ("value_error", "assertion_error"):
        return _told(item, node=node, opening=opening, model=where((*at, *loc)))
    label = f"entry {name}" if isinstance(name, int) else name
    wanted = f"{label} must be {expected(node, schema)}, got {said(value)}."
    if isinstance(name, int):
        return f"{where((*at, *holder))}{wanted}"
    return f"{opening}{wanted}{_example(name, node, schema)}"


def _told(item: dict[str, Any], *, node: Mapping[str, Any], opening: str, model: str) -> str:
    """Return the line of a sentence that a validator wrote."""
    name, sentence = str(item["loc"][-1]), _sentence(item)
    if node.get("type") == "object":
        return f"{model}{sentence}"
    return f"{opening}{sentence}" if sentence.startswith(name) else f"{opening}{name} {sentence}"


def _sentence(item: dict[str, Any]) -> str:
    raised = item.get("ctx", {}).get("error")
    text = str(raised) if raised is not None else str(item["msg"])
    text = text.replace("\n", " ")
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _example(name: object, node: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    node = _resolved(node, root)
    if node.get("type") == "array" and _resolved(node.get("items", {}), root).get("type") in (
        "object",
        None,
    ):
        return f" Write [[{name}]] and the entry's keys below it."
    if node.get("type") == "object" and not node.get("examples"):
        return f" Write [{name}] and its keys below it."
    value = next((v for v in _examples(node) if v is not None), None)
    if value is None:
        return ""
    bare = node.get("format") == "date" or node.get("type") == "object"
    return f" Write {name} = {value if bare else said(value)}."


def _examples(node: Mapping[str, Any]) -> list[Any]:
    options = [e for option in node.get("anyOf", []) for e in _examples(option)]
    return [
        *node.get("examples", []),
        node.get("default"),
        node.get("const"),
        *node.get("enum", []),
        node.get("minimum"),
        *options,
    ]


def _range(node: Mapping[str, Any]) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    above = node.get("exclusiveMinimum")
    if above is not None:
        return f" above {above:g}" + (f" and at most {high:g}" if high is not None else "")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of {low} or more"
    return f" of at most {high}" if high is not None else ""


def _resolved(node: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(node)
    while "$ref" in merged:
        target = root.get("$defs", {}).get(merged.pop("$ref").rpartition("/")[2], {})
        merged = {**target, **merged}
    return merged


def _step(
    node: Mapping[str, Any], part: str | int, root: Mapping[str, Any]
) -> dict[str, Any] | None:
    node = _resolved(node, root)
    if isinstance(part, int) and "items" in node:
        return _resolved(node["items"], root)
    if part in node.get("properties", {}):
        return _resolved(node["properties"][part], root)
    return None


def _node(root: Mapping[str, Any], loc: Loc) -> dict[str, Any]:
    node = dict(root)
    for part in loc:
        node = _step(node, part, root) or {}
    return node


def _written(root: Mapping[str, Any], loc: Loc) -> Loc:
    """Return the place without the parts that name a member of a union."""
    node, kept = dict(root), []
    for part in loc:
        below = _step(node, part, root)
        if below is None and "anyOf" in node:
            continue
        kept.append(part)
        node = below or {}
    return tuple(kept)

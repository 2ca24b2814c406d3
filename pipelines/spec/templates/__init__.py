"""The commented files that ``murmuration init`` writes."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path


def write_templates(folder: Path) -> tuple[list[Path], list[Path]]:
    """Write a commented spec, a commented policy and their JSON Schemas; never overwrite.

    Returns:
        The files that were written, and those that were there already and stay as they are.
    """
    from pipelines.spec import json_schema, policy_schema

    texts = {
        "release.toml": template("release.toml"),
        "policy.toml": template("policy.toml"),
        "release.schema.json": json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n",
        "policy.schema.json": json.dumps(policy_schema(), indent=1, ensure_ascii=False) + "\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    written, kept = [], []
    for name, text in texts.items():
        try:
            with (folder / name).open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            written.append(folder / name)
        except FileExistsError:
            kept.append(folder / name)
    return written, kept


def template(name: str) -> str:
    """Return the text of a template: "release.toml" or "policy.toml"."""
    return files("pipelines.spec.templates").joinpath(name).read_text(encoding="utf-8")

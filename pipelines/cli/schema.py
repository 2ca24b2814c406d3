"""``murmuration schema``: JSON Schema of the files that users write."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

EXAMPLE = "Example: murmuration schema > release.schema.json"


class Document(StrEnum):
    """What has a schema."""

    RELEASE = "release"
    POLICY = "policy"


def schema(
    document: Annotated[Document, typer.Argument(help="Which file's schema.")] = Document.RELEASE,
) -> None:
    """Print the JSON Schema of a spec or a policy, for editors.

    Editors with TOML support read it where the file's first line is
    `#:schema release.schema.json`.
    """
    from pipelines.cli.common import print_json
    from pipelines.spec import json_schema, policy_schema

    print_json(json_schema() if document is Document.RELEASE else policy_schema())

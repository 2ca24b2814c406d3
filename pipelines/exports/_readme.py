"""``README.md`` of an export: orientation, units, the rule of NA and 0, and how to read it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.exports._export import Export
    from pipelines.exports._source import Source

_RULE = (
    "`NA` (a null in Parquet) is a value that does not exist: the release says `no_data` (wholly"
    " inside a declared outage) or `not_released`. It is never 0. A `structural_zero` is 0. Every"
    " other number is the released one with its sd, `low_precision` and `partial` ones too."
)


def readme_text(declared: Export, *, source: Source, remarks: Sequence[str]) -> str:
    """Return the README as Markdown; the same bytes for the same release."""
    told = source.release
    guarantee = told.privacy["guarantee"]
    time_zone, starts = source.clock
    parts = [
        f"# {told.manifest['title']}: {declared.name}",
        (
            f"{declared.summary} Made from the release `{told.id}`, whose README says what is"
            f" promised and how to read a value. The unit of that promise: {guarantee['unit']}."
        ),
        f"- Orientation: {declared.orientation}",
        f"- Units: {declared.units}",
        f"- Missing and 0: {_RULE} {declared.missing}".rstrip(),
        f"- Zones: ids as text, in published order ({len(source.ids)} zones). Keep leading zeros.",
        f"- Dates: each from {starts} local time, in {time_zone}, to the next.",
        *(f"- {remark}" for remark in remarks),
    ]
    files = ["| file | what |", "|---|---|"]
    files += [f"| `{path}` | {what} |" for path, what in declared.writes.items()]
    reading = f"## Read it back\n\n```\n{declared.read.strip()}\n```"
    ending = f"Format: {declared.source}" if declared.source else ""
    head, bullets = parts[:2], "\n".join(parts[2:])
    blocks = [*head, bullets, "\n".join(files), reading, ending]
    return "\n\n".join(block for block in blocks if block) + "\n"

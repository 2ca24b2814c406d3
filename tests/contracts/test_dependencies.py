"""Every package that the code imports is declared, and every declared one is used."""

from __future__ import annotations

import re
import sys
import tomllib

from _tree import ROOT, imports, modules

IMPORT_NAMES = {"pot": "ot", "vl-convert-python": "vl_convert"}
INDIRECT = {
    "tzdata": "zoneinfo reads it where the machine has no time zone files",
    "pyogrio": "geopandas reads and writes files through it",
    "vl-convert-python": "altair inlines its scripts through it",
}


def _declared() -> tuple[set[str], set[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core = {_name(line) for line in project["dependencies"]}
    extras = project["optional-dependencies"]
    optional = {_name(line) for key, lines in extras.items() if key != "dev" for line in lines}
    return core, optional


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=;~! ]", requirement, maxsplit=1)[0].lower()


def _imported() -> set[str]:
    tops = {name.split(".")[0] for path in modules() for name in imports(path)}
    return tops - set(sys.stdlib_module_names) - {"dp", "pipelines"}


def test_every_import_is_declared() -> None:
    core, optional = _declared()
    names = {IMPORT_NAMES.get(n, n).replace("-", "_") for n in core | optional}
    assert _imported() <= names


def test_every_declared_package_is_used() -> None:
    core, _ = _declared()
    unused = {n for n in core if IMPORT_NAMES.get(n, n).replace("-", "_") not in _imported()}
    assert unused <= set(INDIRECT)


def test_versions_are_bounded_on_both_sides() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] + [
        line for lines in project["optional-dependencies"].values() for line in lines
    ]
    loose = [
        line
        for line in lines
        if not line.startswith("murmuration-mobility") and (">=" not in line or "<" not in line)
    ]
    assert loose == ["tzdata>=2025.2"], "only time zone data has no upper bound: newer is safer"

"""Noise has one source. Nothing else in the product may draw at random."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from _tree import ROOT, dotted, imports, modules, reachable

SIMULATES = "pipelines.twin"
DRAWS_TRUTHS = "pipelines.models.draws"
"""Plausible truths from published numbers, by a public seed, on the reader's machine: no noise.

It may import numpy.random and nothing else that is random; nothing that makes a release or opens
the door can reach it.
"""
CHOOSES_PEOPLE = "pipelines.audit._chance"
"""Which simulated people an attack is tried on, by a public seed. Its numbers are no noise: the
audits' noise is the plan's own mechanisms'. As for the draws, no release can reach it.
"""
KEYS_ARE_MADE_IN = "dp.ledger"
RANDOM_MODULES = {"random", "secrets", "numpy.random", "uuid", "opendp", "torch", "jax"}
KEY_MAKERS = {"token_bytes", "token_hex"}
RANDOM_ATTRIBUTES = {
    "SystemRandom",
    "choice",
    "default_rng",
    "getrandom",
    "randbelow",
    "randbits",
    "random",
    "rvs",
    "urandom",
}
SQL = re.compile(
    r"\b(random|rand|randn|uuid|uuidv4|uuidv7|gen_random_uuid|setseed)\s*\(|"
    r"\b(using\s+sample|tablesample)\b",
    re.IGNORECASE,
)


def _random_imports(names: set[str]) -> set[str]:
    return {n for n in names for m in RANDOM_MODULES if n == m or n.startswith(f"{m}.")}


def _random_code(text: str) -> list[str]:
    """Return attributes and SQL in a source text that draw at random."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and node.attr in RANDOM_ATTRIBUTES:
            found.append(f".{node.attr}")
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += [match.group(0) for match in SQL.finditer(node.value)]
    return found


def test_one_file_imports_opendp() -> None:
    importers = {
        dotted(path)
        for path in modules()
        if any(name.split(".")[0] == "opendp" for name in imports(path))
    }
    assert importers == {"dp.mechanisms._opendp"}


def test_opendp_is_imported_only_when_it_is_needed() -> None:
    path = ROOT / "dp" / "mechanisms" / "_opendp.py"
    assert not any(name.startswith("opendp") for name in imports(path, lazy=False))


def _sources() -> list[Path]:
    return [p for p in modules() if not dotted(p).startswith((SIMULATES, "dp.mechanisms._opendp"))]


@pytest.mark.parametrize("path", _sources(), ids=dotted)
def test_no_other_module_draws_at_random(path: Path) -> None:
    allowed = {"secrets"} if _makes_keys(path) else set()
    if dotted(path) == DRAWS_TRUTHS:
        allowed = {n for n in imports(path) if n.startswith("numpy.random.")}
    assert _random_imports(imports(path)) <= allowed
    drawn = [] if dotted(path) == CHOOSES_PEOPLE else _random_code(path.read_text(encoding="utf-8"))
    assert drawn == []


@pytest.mark.parametrize("start", ["pipelines.release.run", "pipelines.release.plan", "dp.measure"])
def test_nothing_that_makes_a_release_can_reach_the_draws(start: str) -> None:
    known = {dotted(path) for path in modules()}
    assert {DRAWS_TRUTHS, CHOOSES_PEOPLE} <= known, "this test would check nothing"
    reached = reachable(start, lazy=True)
    assert start in reached
    assert not reached & {DRAWS_TRUTHS, CHOOSES_PEOPLE}


def _makes_keys(path: Path) -> bool:
    """Whether a module of the ledger uses ``secrets`` for nothing but keys."""
    uses = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "secrets"
    }
    return dotted(path).startswith(KEYS_ARE_MADE_IN) and uses <= KEY_MAKERS


# the check itself


@pytest.mark.parametrize(
    "plant",
    [
        "import random",
        "from random import gauss",
        "import secrets",
        "import numpy.random as nr",
        "from numpy.random import default_rng",
        "from opendp.measurements import make_gaussian",
        "def f():\n    import random",
    ],
)
def test_a_planted_import_is_found(plant: str, tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(plant, encoding="utf-8")
    assert _random_imports(imports(tmp_path / "planted.py"))


@pytest.mark.parametrize(
    "plant",
    [
        "x = np.random.normal(0, 1)",
        "x = stats.norm.rvs(size=3)",
        "x = os.urandom(8)",
        "q = 'SELECT v + random() FROM t'",
        "q = f'SELECT * FROM t ORDER BY RANDOM ( ) LIMIT {n}'",
        "q = 'SELECT * FROM t USING SAMPLE 10%'",
    ],
)
def test_planted_code_is_found(plant: str) -> None:
    assert _random_code(plant)


@pytest.mark.parametrize("fine", ["brand(x)", "q = 'operand (x)'", "s = 'a random word'"])
def test_innocent_code_is_left_alone(fine: str) -> None:
    assert not _random_code(fine)

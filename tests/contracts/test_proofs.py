"""Every privacy claim has a proof beside it, and no proof is older than its code."""

from __future__ import annotations

from pathlib import Path

import pytest
from _proofs import SECTIONS, faults, fingerprint, proofs
from _tree import ROOT

NO_CLAIM = {"__init__.py", "_opendp.py", "mechanism.py", "rule.py"}
NAMED = [
    "dp/bounds.py",
    "dp/units.py",
    "dp/measure.py",
    "dp/accounting/compose.py",
    "dp/accounting/convert.py",
    "dp/ledger/window.py",
    "dp/postprocess/consistency.py",
    "pipelines/engines/duckdb/partials.py",
    "pipelines/ingest/towers.py",
    "pipelines/zones/slabs.py",
]
CLAIMS = sorted(
    [ROOT / name for name in NAMED]
    + [
        path
        for folder in ("bounding", "mechanisms")
        for path in (ROOT / "dp" / folder).glob("*.py")
        if path.name not in NO_CLAIM
    ]
)
PROOFS = proofs(ROOT / "dp", ROOT / "pipelines")
TABLES = ROOT / "pipelines" / "tables"


@pytest.mark.parametrize("module", CLAIMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_claim_has_a_proof_beside_it(module: Path) -> None:
    assert module.is_file()
    assert module.with_suffix(".md") in PROOFS


@pytest.mark.parametrize("proof", PROOFS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_proof_is_stale_or_lacks_a_section(proof: Path) -> None:
    assert faults(proof) == []


@pytest.mark.parametrize("table", sorted(p.stem for p in TABLES.glob("[a-z]*.py")))
def test_every_table_stands_in_the_proof_of_what_one_person_can_add(table: str) -> None:
    text = (TABLES / "bounds.md").read_text(encoding="utf-8")
    assert f"\n| {table} | " in text
    for part in ("_statement", "_rule"):
        assert f"- `{table}.py` `{part}` " in text


@pytest.mark.parametrize("rule", ["Bounds.replaced", "Bounds.times"])
def test_every_rule_for_a_person_is_read_in_a_proof(rule: str) -> None:
    assert any(f"`{rule}`" in proof.read_text(encoding="utf-8") for proof in PROOFS)


def test_no_file_says_that_it_proves_something_and_is_no_proof() -> None:
    """A claim without the headings would never be watched."""
    files = [p for folder in ("dp", "pipelines") for p in (ROOT / folder).rglob("*.md")]
    claims = [p for p in files if "Claim" in p.read_text(encoding="utf-8")]
    assert len(claims) > 10
    assert [p.name for p in claims if p not in PROOFS] == []


# the check itself

CODE = '''"""Module: rule.md."""

TOP = 4  # a remark


class Rule:
    """Doc."""

    def keep(self, n: int) -> int:
        """Doc."""
        # why
        return min(n, TOP)
'''


def _written(folder: Path, code: str = CODE, hash_of: str = CODE) -> Path:
    (folder / "rule.py").write_text(hash_of, encoding="utf-8")
    marks = {name: fingerprint(folder / "rule.py", name) for name in ("Rule.keep", "TOP")}
    (folder / "rule.py").write_text(code, encoding="utf-8")
    body = "\n\n".join(f"## {name}\n\nText." for name in SECTIONS)
    lines = "\n".join(f"- `rule.py` `{name}` {mark}" for name, mark in marks.items())
    (folder / "rule.md").write_text(f"# Rule\n\n{body}\n\n{lines}\n", encoding="utf-8")
    return folder / "rule.md"


def test_a_current_proof_passes(tmp_path: Path) -> None:
    assert faults(_written(tmp_path)) == []
    assert proofs(tmp_path) == [tmp_path / "rule.md"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('        """Doc."""\n', '        """Other words."""\n'),
        ("        # why\n", ""),
        ("  # a remark", ""),
        ("class Rule:", "class Rule:\n"),
    ],
)
def test_words_about_the_code_do_not_make_a_proof_stale(tmp_path: Path, old: str, new: str) -> None:
    assert old in CODE
    assert faults(_written(tmp_path, CODE.replace(old, new))) == []


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [("min(", "max(", "Rule.keep"), ("TOP = 4", "TOP = 5", "TOP"), ("n: int", "n: float", "keep")],
)
def test_changed_code_makes_a_proof_stale(tmp_path: Path, old: str, new: str, name: str) -> None:
    (fault,) = faults(_written(tmp_path, CODE.replace(old, new)))
    assert f"{name} in rule.py has changed" in fault


def test_a_proof_of_code_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults(_written(tmp_path, CODE.replace("keep", "take")))
    assert "there is no Rule.keep" in fault


def test_a_missing_or_empty_section_is_a_fault(tmp_path: Path) -> None:
    proof = _written(tmp_path)
    text = proof.read_text(encoding="utf-8")
    proof.write_text(text.replace("## Needs\n\nText.", "## Needs\n"), encoding="utf-8")
    assert faults(proof) == ["rule.md: the section Needs is empty"]
    proof.write_text(text.replace("## Needs\n", ""), encoding="utf-8")
    assert "its sections must be" in faults(proof)[0]


def test_code_that_does_not_name_its_proof_is_a_fault(tmp_path: Path) -> None:
    plain = CODE.replace("rule.md", "rule")
    assert faults(_written(tmp_path, plain)) == ["rule.py: it must name its proof, rule.md"]


def test_a_proof_of_a_folder_is_named_by_the_folder(tmp_path: Path) -> None:
    proof = _written(tmp_path).rename(tmp_path / "all.md")
    assert faults(proof) == ["__init__.py: it must name its proof, all.md"]
    (tmp_path / "__init__.py").write_text('"""Rules, proven in all.md."""\n', encoding="utf-8")
    assert faults(proof) == []
    text = proof.read_text(encoding="utf-8")
    proof.write_text(text.replace("- `rule.py`", "* rule.py"), encoding="utf-8")
    assert faults(proof) == ["all.md: it must be read against code"]


def test_a_proof_that_names_no_code_beside_it_is_a_fault(tmp_path: Path) -> None:
    proof = _written(tmp_path)
    text = proof.read_text(encoding="utf-8")
    proof.write_text(text.replace("- `rule.py`", "* rule.py"), encoding="utf-8")
    assert faults(proof) == ["rule.md: it must be read against rule.py"]

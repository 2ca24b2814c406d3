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


@pytest.mark.parametrize("module", CLAIMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_claim_has_a_proof_beside_it(module: Path) -> None:
    assert module.is_file()
    assert module.with_suffix(".md") in PROOFS


@pytest.mark.parametrize("proof", PROOFS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_proof_is_stale_or_lacks_a_section(proof: Path) -> None:
    assert faults(proof) == []


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


def test_a_proof_that_names_no_code_beside_it_is_a_fault(tmp_path: Path) -> None:
    proof = _written(tmp_path)
    text = proof.read_text(encoding="utf-8")
    proof.write_text(text.replace("- `rule.py`", "* rule.py"), encoding="utf-8")
    assert faults(proof) == ["rule.md: it must be read against rule.py"]

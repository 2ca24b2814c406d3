"""The page that a privacy officer signs: every figure on it is recomputed, every file is there."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

from dp.accounting import attack_bound, epsilon, gaussian_auc
from dp.loss import Loss, Rho
from pipelines.audit import audits
from pipelines.release.figures import rounded_up

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "privacy.md"
POLICY = ROOT / "pipelines" / "spec" / "templates" / "policy.toml"
DELTA = Fraction(1, 10**6)
PER_DATE = Fraction(1, 60)
PEERS = {"2.64"}
"""Epsilons of others, as they published them."""
PROSE = {
    "5.22": 30 * PER_DATE,
    "23.3": 365 * PER_DATE,
    "7.767": Fraction(1),
    "27.812": Fraction(8),
    "11.689": Fraction(2),
}
FIGURE = re.compile(r"epsilon (\d+(?:\.\d+)?)", re.IGNORECASE)
_SHARE = r"([\d.]+)% \| "
ROW = re.compile(rf"\| (\d+) dates? \| ([\d/]+) \| ([\d.]+) \| {3 * _SHARE}".rstrip())
README_ROW = re.compile(r"\| (1/2|6\.08) \| ([\d.]+) \|")


def _epsilon(rho: Fraction) -> float:
    return epsilon(Loss(Rho(rho), Fraction(0)), DELTA)


def _attack(chance: float, rho: Fraction) -> float:
    return rounded_up(100 * attack_bound(chance, Rho(rho)), places=1)


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_table_of_figures_is_what_the_code_computes(page: str) -> None:
    rows = ROW.findall(page)
    assert [row[0] for row in rows] == ["1", "7", "30", "365"]
    for dates, rho, eps, *chances in rows:
        assert Fraction(rho) == int(dates) * PER_DATE
        assert float(eps) == rounded_up(_epsilon(Fraction(rho)), places=3)
        found = [_attack(chance, Fraction(rho)) for chance in (0.001, 0.01, 0.1)]
        assert [float(one) for one in chances] == found, dates


@pytest.mark.parametrize("path", [PAGE, POLICY], ids=lambda path: path.name)
def test_every_epsilon_in_words_is_recomputed(path: Path) -> None:
    words = " ".join(path.read_text(encoding="utf-8").replace("\n#", "").split())
    found = set(FIGURE.findall(words))
    expected = PROSE.keys() | PEERS if path == PAGE else {"5.22", "23.3"}
    assert found == expected
    for text in found - PEERS:
        _check(text, PROSE[text])


def test_the_readme_s_figures_are_recomputed() -> None:
    rows = dict(README_ROW.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert set(rows) == {"1/2", "6.08"}
    _check(rows["1/2"], 30 * PER_DATE)
    _check(rows["6.08"], 365 * PER_DATE)


def _check(text: str, rho: Fraction) -> None:
    places = len(text.partition(".")[2])
    exact = _epsilon(rho)
    assert text in {f"{exact:.{places}f}", f"{rounded_up(exact, places=places):.{places}f}"}


def test_the_figure_of_30_dates_never_stands_without_the_year_s() -> None:
    for path in (PAGE, ROOT / "README.md", POLICY):
        text = path.read_text(encoding="utf-8")
        assert "5.22" in text
        assert "365 dates" in text
        assert "23.3" in text


def test_the_examples_are_what_the_code_computes(page: str) -> None:
    assert f"at most {_attack(0.5, Fraction(1, 2))}% of cases" in page
    assert f"1% becomes at most {_attack(0.01, PER_DATE)}%." in page
    assert f"under the curve of about {gaussian_auc(Rho(Fraction(1, 2))):.2f}" in page
    assert 4**2 * Fraction(1, 2) == 8
    worst = -(-365 // 30) * Fraction(1, 2)
    assert f"13 windows at worst: rho {worst}." in page.replace("\n", " ")


def test_every_file_that_the_page_names_is_there(page: str) -> None:
    named = re.findall(r"`((?:docs|dp|pipelines|tests)/[\w/*.]+|test_\w+\.py)`", page)
    assert len(named) > 12
    for name in named:
        pattern = name if "/" in name else f"tests/**/{name}"
        assert list(ROOT.glob(pattern)), name


def test_every_audit_is_named_with_its_bound(page: str) -> None:
    assert [name for name in audits() if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    "words",
    [
        *("Regularity", "Small panels", "Households", "Identifiers that rotate", "has no date"),
        *("Timing", "A dishonest custodian", "Counters without identity", "Other ledgers"),
        *(
            "Arithmetic",
            "Side channels",
            "Memory and disk",
            "Ledger, anchor and store restored together",
        ),
        *("The ledger's secret", "Randomness", "attest"),
    ],
)
def test_the_page_does_not_hide(page: str, words: str) -> None:
    assert words in page


def test_the_readme_leads_here() -> None:
    assert "docs/privacy.md" in (ROOT / "README.md").read_text(encoding="utf-8")

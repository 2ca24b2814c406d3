"""Each check of the privacy nouns has a test that trips it."""

from __future__ import annotations

import datetime as dt
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dp.bounds import Bounds
from dp.errors import BoundError
from dp.keys import MAX_CELLS, Key, KeySet
from dp.law import NoiseLaw
from dp.loss import NO_LOSS, Loss, Rho, exact
from dp.tables import Bounded, Noisy
from dp.units import PrivacyUnit

DAY = (dt.date(2026, 3, 2),)
PAIRS = KeySet(
    (Key("origin", ("a", "b")), Key("destination", ("a", "b"))),
    distinct=(("origin", "destination"),),
)
ONE = Bounds(l0=1, l1=1, l2_squared=1, linf=1)


# loss


def test_rho_is_read_from_exact_text_only() -> None:
    assert Rho.of("1/60") * 30 == Rho.of("0.5") == Rho(Fraction(1, 2))
    with pytest.raises(TypeError, match="must be exact"):
        Rho.of(0.1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be exact"):
        Rho(0.1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be exact"):
        Rho.of(True)
    with pytest.raises(ValueError, match="0 or more"):
        Rho.of("-1/2")


@pytest.mark.parametrize("text", ["half", "", "1/0", "1/2/3", "nan", "inf"])
def test_text_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number such as"):
        exact(text, name="rho")


@pytest.mark.parametrize("text", ["1e999999999", "1e-999999999", "1E+1000"])
def test_a_number_that_would_fill_the_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="exponent below 1000"):
        exact(text, name="rho")


def test_a_loss_fits_when_both_parts_do() -> None:
    cap = Loss(Rho.of("1/2"), Fraction("1e-6"))
    assert Loss(Rho.of("1/2"), Fraction("1e-6")).fits(cap)
    assert not Loss(Rho.of("1/2"), Fraction("2e-6")).fits(cap)
    assert not Loss(Rho.of("0.51")).fits(cap)
    assert cap + NO_LOSS == cap


def test_delta_is_exact_and_below_one() -> None:
    with pytest.raises(TypeError, match="delta must be exact"):
        Loss(Rho.of(1), 1e-6)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="below 1, got 1"):
        Loss(Rho.of(1), Fraction(1))
    with pytest.raises(ValueError, match="at least 0"):
        Loss(Rho.of(1), Fraction(-1, 2))


# units


def test_without_attestation_the_unit_is_a_device() -> None:
    unit = PrivacyUnit(window_days=30, ids_per_person_per_date=None)
    assert (unit.multiplicity, str(unit)) == (1, "one device, 30 dates")
    attested = PrivacyUnit(window_days=None, ids_per_person_per_date=3)
    assert (attested.multiplicity, str(attested)) == (3, "one person, the whole series")


def test_impossible_units_are_refused() -> None:
    with pytest.raises(ValueError, match="window_days must be 1 or more, got 0"):
        PrivacyUnit(window_days=0, ids_per_person_per_date=1)
    with pytest.raises(ValueError, match="ids_per_person_per_date must be 1 or more, got 0"):
        PrivacyUnit(window_days=1, ids_per_person_per_date=0)


# bounds

VECTORS = st.lists(st.integers(0, 50), min_size=6, max_size=6)


def _bounds_of(change: np.ndarray) -> tuple[int, int, int, int]:
    size = np.abs(change)
    return int((size > 0).sum()), int(size.sum()), int((size**2).sum()), int(size.max(initial=0))


def _within(change: np.ndarray, bounds: Bounds) -> bool:
    limits = (bounds.l0, bounds.l1, bounds.l2_squared, bounds.linf)
    return all(a <= b for a, b in zip(_bounds_of(change), limits, strict=True))


def _smallest(vectors: list[list[int]]) -> Bounds:
    parts = [_bounds_of(np.array(v)) for v in vectors]
    l0, l1, l2_squared, linf = (
        max(1, *column) for column in zip(*parts, (1, 1, 1, 1), strict=True)
    )
    return Bounds(l0=l0, l1=l1, l2_squared=l2_squared, linf=linf)


@given(st.lists(VECTORS, min_size=1, max_size=4))
def test_a_person_of_k_identifiers_moves_totals_within_k_times_the_bounds(
    ids: list[list[int]],
) -> None:
    assert _within(np.sum(ids, axis=0), _smallest(ids).times(len(ids)))


@given(VECTORS, VECTORS)
def test_a_person_who_moves_stays_within_the_replaced_bounds(
    before: list[int], after: list[int]
) -> None:
    bounds = _smallest([before, after]).replaced()
    assert _within(np.array(after) - np.array(before), bounds)


def test_replacing_disjoint_contributions_needs_the_doubled_bounds() -> None:
    bounds = Bounds(l0=2, l1=2, l2_squared=2, linf=1)
    change = np.array([1, 1, -1, -1])
    assert not _within(change, bounds)
    assert _bounds_of(change) == (4, 4, 4, 1)
    assert _within(change, bounds.replaced())


def test_k_identical_identifiers_reach_k_squared() -> None:
    assert ONE.times(3) == Bounds(l0=3, l1=3, l2_squared=9, linf=3)
    with pytest.raises(ValueError, match="ids must be 1 or more"):
        ONE.times(0)


@given(st.integers(1, 2**120))
def test_l2_is_never_below_the_exact_root(square: int) -> None:
    l2 = Bounds(l0=1, l1=1, l2_squared=square, linf=1).l2
    assert Fraction(l2) ** 2 >= square
    assert Fraction(l2) ** 2 <= square * (1 + Fraction(1, 10**15))


@pytest.mark.parametrize("name", ["l0", "l1", "l2_squared", "linf"])
def test_bounds_are_positive_integers(name: str) -> None:
    fine = {"l0": 1, "l1": 1, "l2_squared": 1, "linf": 1}
    with pytest.raises(ValueError, match=f"{name} must be 1 or more"):
        Bounds(**{**fine, name: 0})
    with pytest.raises(TypeError, match=f"{name} must be an integer"):
        Bounds(**{**fine, name: 1.5})  # type: ignore[arg-type]


# keys


def test_cells_are_numbered_with_the_first_key_slowest() -> None:
    keys = KeySet((Key("zone", ("n", "s")), Key("hour", (0, 1, 2))))
    assert keys.size == 6
    assert keys.codes("zone").tolist() == [0, 0, 0, 1, 1, 1]
    assert keys.codes("hour").tolist() == [0, 1, 2, 0, 1, 2]
    assert keys.measured.all()


def test_cells_of_equal_ends_are_structural_zeros() -> None:
    assert PAIRS.measured.tolist() == [False, True, True, False]
    uneven = KeySet(
        (Key("from", ("a", "b", "c")), Key("part", (0, 1)), Key("to", ("c", "x"))),
        distinct=(("from", "to"),),
    )
    zeros = np.flatnonzero(~uneven.measured)
    assert {(uneven.codes("from")[i], uneven.codes("to")[i]) for i in zeros} == {(2, 0)}
    assert zeros.size == 2


def test_a_digest_tells_key_sets_apart() -> None:
    def digest(*values: str | int) -> str:
        return KeySet((Key("zone", values),)).digest

    assert digest("a", "b") == digest("a", "b")
    assert len({digest("a", "b"), digest("b", "a"), digest("1"), digest(1)}) == 4
    assert PAIRS.digest != KeySet(PAIRS.keys).digest


def test_key_sets_that_make_no_sense_are_refused() -> None:
    zone = Key("zone", ("a", "b"))
    with pytest.raises(BoundError, match="has no values"):
        Key("zone", ())
    with pytest.raises(BoundError, match="repeats a value"):
        Key("zone", ("a", "a"))
    with pytest.raises(BoundError, match="at least one key column"):
        KeySet(())
    with pytest.raises(BoundError, match="different names"):
        KeySet((zone, zone))
    with pytest.raises(BoundError, match="no key named 'hour' among zone"):
        KeySet((zone,), distinct=(("zone", "hour"),))
    with pytest.raises(BoundError, match="cannot differ from itself"):
        KeySet((zone,), distinct=(("zone", "zone"),))


def test_a_key_set_too_large_to_enumerate_is_refused() -> None:
    many = tuple(range(2**11))
    keys = tuple(Key(name, many) for name in ("a", "b", "c"))
    assert KeySet(keys[:2]).size < MAX_CELLS
    with pytest.raises(BoundError, match="a x b x c gives 8,589,934,592 cells"):
        KeySet(keys)


# tables


def _bounded(totals: np.ndarray, factor: int = 1) -> Bounded:
    return Bounded(
        table="od_flows", reads=DAY, keys=PAIRS, bounds=ONE, factor=factor, totals=totals
    )


def test_a_bounded_table_is_frozen_and_hides_its_totals() -> None:
    bounded = _bounded(np.array([0, 5, 7, 0]))
    assert not bounded.totals.flags.writeable
    assert "7" not in repr(bounded).replace("2026", "")


@pytest.mark.parametrize(
    "totals", [np.zeros(3, dtype=np.int64), np.zeros(4), np.zeros((2, 2), dtype=np.int64)]
)
def test_a_vector_of_another_shape_or_type_is_refused(totals: np.ndarray) -> None:
    with pytest.raises(BoundError, match="a vector of 4 int64 cells is due"):
        _bounded(totals)


def test_a_total_in_a_structural_zero_is_refused_without_being_told() -> None:
    with pytest.raises(BoundError, match="structural zero") as refused:
        _bounded(np.array([12345, 0, 0, 0]))
    assert "12345" not in str(refused.value)


def test_a_factor_below_one_is_refused() -> None:
    with pytest.raises(BoundError, match="factor must be 1 or more, got 0"):
        _bounded(np.zeros(4, dtype=np.int64), factor=0)


def test_a_noisy_table_speaks_in_released_units() -> None:
    law = NoiseLaw("discrete_gaussian", 8.0, 4)
    lattice = np.array([0, 6, -2, 0])
    noisy = Noisy(
        table="od_flows", reads=DAY, keys=PAIRS, law=law, loss=Loss(Rho.of("1/2")), lattice=lattice
    )
    assert noisy.values.tolist() == [0.0, 1.5, -0.5, 0.0]
    assert noisy.sd.tolist() == [0.0, 2.0, 2.0, 0.0]
    assert not noisy.lattice.flags.writeable


# law


def _mass(law: NoiseLaw) -> tuple[np.ndarray, np.ndarray]:
    steps = np.arange(-int(60 * law.scale) - 60, int(60 * law.scale) + 61)
    power = 2 if law.kind == "discrete_gaussian" else 1
    mass = np.exp(-((np.abs(steps) / law.scale) ** power) / power)
    return steps, mass / mass.sum()


LAWS = st.builds(
    NoiseLaw,
    st.sampled_from(["discrete_gaussian", "discrete_laplace"]),
    st.floats(0.125, 40.0),
    st.sampled_from([1, 4096]),
)


@given(LAWS)
def test_sd_is_that_of_the_discrete_law(law: NoiseLaw) -> None:
    steps, mass = _mass(law)
    assert law.sd == pytest.approx(math.sqrt((mass * steps**2).sum()) / law.factor, rel=1e-9)


@given(LAWS, st.floats(0.05, 0.999))
def test_half_width_is_the_least_that_holds_enough(law: NoiseLaw, confidence: float) -> None:
    steps, mass = _mass(law)
    n = round(law.half_width(confidence) * law.factor)
    assert mass[np.abs(steps) <= n].sum() >= confidence - 1e-9
    if n:
        assert mass[np.abs(steps) <= n - 1].sum() < confidence + 1e-9


@pytest.mark.parametrize("scale", [1000.0, 29_000.5, 2.0**40])
def test_half_width_of_wide_gaussian_noise_is_the_normal_one_rounded_up(scale: float) -> None:
    wide = NoiseLaw("discrete_gaussian", scale).half_width(0.95)
    assert 0 <= wide - 1.959963984540054 * scale <= 1 + scale * 1e-12


def test_laws_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="kind must be one of"):
        NoiseLaw("uniform", 1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="factor must be 1 or more"):
        NoiseLaw("discrete_gaussian", 1.0, 0)
    with pytest.raises(ValueError, match="between 0 and 1, got 95"):
        NoiseLaw("discrete_gaussian", 1.0).half_width(95)

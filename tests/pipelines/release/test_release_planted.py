"""Bugs planted around the draw and in the ledger are caught: no noise is unpaid, no cap is passed.

Each law is looked at twice, once as the code stands and once with the bug in it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from release_town import KnownTotals, Town

import dp.measure as door
from dp.errors import LedgerFault, MurmurationError
from dp.ledger import Ledger, Reservation, draws, ledger, view
from dp.ledger.chain import Chain
from dp.mechanisms import Mechanism
from dp.tables import Noisy
from pipelines import read_release
from pipelines.release import plan as planning
from pipelines.release import run
from pipelines.release.model import PlannedMeasurement
from pipelines.release.run import release

Patch = pytest.MonkeyPatch
Costs = list[Fraction]
DRAWS = {"draw_started", "drawn", "settled"}


class Killed(BaseException):
    """Ends a run as a signal would."""


@pytest.fixture
def costs(counted: list[KnownTotals], monkeypatch: Patch) -> Iterator[Costs]:
    """What every draw cost that ever happened, whatever any book says."""
    found: Costs = []
    real = Mechanism.draw

    def draw(self: Mechanism, totals: NDArray[np.int64], **more: Any) -> NDArray[np.int64]:
        found.append(self.cost.rho.value)
        return real(self, totals, **more)

    monkeypatch.setattr(Mechanism, "draw", draw)
    yield found
    assert counted, "nothing was counted: nothing was tried"


def unpaid(town: Town, costs: Costs) -> Fraction:
    """The cost of all noise that ever existed, less what the ledger books for started draws."""
    with Ledger.open(town.ledger) as book:
        paid = [one for one in book.reservations() if one.state in DRAWS]
    return sum(costs) - sum((r.charge.loss.rho.value * r.attempt for r in paid), Fraction(0))


def _draw_first(draw: Callable[[], bytes], *, reservation: Reservation, ledger: Any) -> None:
    """The plant: noise before the ledger."""
    payload = draw()
    started = ledger.start_draw(reservation)
    ledger.book_drawn(started, ledger.store.write(started.key, started.attempt, payload))


@pytest.mark.parametrize("planted", [False, True])
def test_noise_before_the_ledger_is_caught(
    town: Town, costs: Costs, monkeypatch: Patch, planted: bool
) -> None:
    if planted:
        monkeypatch.setattr(door, "_once", _draw_first)
    whole = Mechanism.draw

    def killed(self: Mechanism, totals: Any, **more: Any) -> Any:
        whole(self, totals, **more)
        raise Killed

    with monkeypatch.context() as once:
        once.setattr(Mechanism, "draw", killed)
        with pytest.raises(Killed):
            release(town.spec())
    assert len(costs) == 1
    assert (unpaid(town, costs) > 0) is planted


def _draw_again(one: PlannedMeasurement, reservation: Reservation, _ledger: Ledger) -> Noisy:
    """The plant: what is published is drawn when it is derived, and so again on a second run."""
    return Noisy(
        table=one.table,
        reads=one.charge.reads,
        keys=one.keys,
        law=one.law,
        loss=reservation.charge.loss,
        lattice=one.mechanism.draw(np.zeros(one.keys.size, dtype=np.int64)),
    )


@pytest.mark.parametrize("planted", [False, True])
def test_a_redraw_after_a_failed_derive_is_caught(
    town: Town, costs: Costs, monkeypatch: Patch, planted: bool
) -> None:
    if planted:
        monkeypatch.setattr(run, "_recall", _draw_again)
    derive = run.derive

    def failing(*args: Any, **more: Any) -> Any:
        derive(*args, **more)
        raise Killed

    with monkeypatch.context() as once:
        once.setattr(run, "derive", failing)
        with pytest.raises(Killed):
            release(town.spec())
    folder = release(town.spec())
    with Ledger.open(town.ledger) as book:
        booked = len(book.reservations())
    assert (unpaid(town, costs) > 0) is planted
    assert (len(costs) > booked) is planted
    assert len(read_release(folder)) > 0


@pytest.mark.parametrize("planted", [False, True])
def test_a_spec_that_raises_the_cap_is_caught(
    town: Town, costs: Costs, monkeypatch: Patch, planted: bool
) -> None:
    """A spec may share out what the policy allows a date; here it asks for three times the cap."""
    release(town.spec())
    town.edit("[series]", '[series]\nrho_per_date = "3/4"\n')
    if planted:
        for module in (draws, ledger, view):
            monkeypatch.setattr(module, "refuse_over_budget", lambda *_: None)
        monkeypatch.setattr(planning, "agree", lambda *_: None)
    try:
        release(town.spec())
        refused = False
    except MurmurationError:
        refused = True
    with Ledger.open(town.ledger) as book:
        passed = book.worst(book.policy.unit.window_days).rho > book.policy.cap.rho.value
    assert (passed, refused) == (planted, not planted)


@pytest.mark.parametrize("planted", [False, True])
def test_a_restored_ledger_is_caught(
    town: Town, costs: Costs, monkeypatch: Patch, planted: bool
) -> None:
    """Yesterday's copy of the ledger forgets what was drawn since."""
    backup = town.ledger.with_name("yesterday")
    shutil.copy(town.ledger, backup)
    release(town.spec())
    newest = town.ledger.with_name("newest")
    shutil.copy(town.ledger, newest)
    shutil.copy(backup, town.ledger)
    if planted:
        monkeypatch.setattr(Chain, "_compare", lambda *_: None)
        shutil.rmtree(town.releases)
        shutil.rmtree(town.ledger.with_name("city.ledger.store"))
        town.edit("dates =", "issue = 1\ndates =")
        release(town.spec())
        assert unpaid(town, costs) > 0
        return
    with pytest.raises(LedgerFault, match="behind its anchor"):
        release(town.spec())
    shutil.copy(newest, town.ledger)
    assert unpaid(town, costs) == 0

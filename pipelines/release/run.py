"""``release``: the only caller of the door and of the ledger's writes.

Order: check the budget -> read the records -> reserve -> draw, store, book -> derive -> stage ->
rename -> settle. Nothing is charged before the bounded totals exist, no noise exists before its
charge, and nothing is derived but from stored measurements. Killed anywhere and run again, it
finishes the same release.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from dp.errors import LedgerFault
from dp.ledger import Ledger, ReleaseKey
from dp.measure import measure, measure_sparse, recall, recall_sparse
from dp.mechanisms import Threshold
from pipelines.errors import VerifyError
from pipelines.progress import Silent
from pipelines.release.books import drawn_books
from pipelines.release.derive import Recall, derive
from pipelines.release.folder import public_folder, staged, stagings_of
from pipelines.release.manifest import MANIFEST, read_manifest, sha256_of
from pipelines.release.model import Plan
from pipelines.release.plan import plan as make_plan
from pipelines.release.plan import plan_with
from pipelines.release.totals import Totals, count
from pipelines.release.verify import verify_release

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dp.ledger import Reservation
    from dp.sparse import NoisySparse
    from dp.tables import Noisy
    from pipelines.progress import Progress
    from pipelines.release.model import PlannedMeasurement
    from pipelines.spec import ReleaseSpec

_DRAWN = frozenset({"drawn", "settled"})
_HEAD_BYTES, _CELL_BYTES = 4096, 8


def release(
    spec: ReleaseSpec | Plan, *, engine: str | None = None, progress: Progress | None = None
) -> Path:
    """Make a release, or finish or return the one that this spec has; return its folder.

    Privacy: charges the ledger for every measurement that was never drawn, before its noise
    exists. Asked again, it charges nothing and returns the stored bytes.

    Args:
        spec: A loaded spec, or a plan of one, which must still hold.
        engine: Name of the engine that reads the records; None for the one that the spec names.
        progress: Hears how far the work is, in percentages and public words.

    Raises:
        BudgetRefused: a window would pass the cap. Nothing was read, charged or written.
        PolicyMismatch: the spec differs from the ledger's policy.
        LedgerBusy: another process is releasing with this ledger.
        LedgerFault: the ledger is missing, damaged or an old copy; or a plan is out of date.
        SourceError, ResourceError: the records cannot be read, or a folder cannot be written;
            nothing was charged.
        DiskFull: the measurements would not fit; nothing was charged. Or the disk filled up
            meanwhile; what was drawn is charged.
        VerifyError: the folder of this release was changed, or another is in its place.
    """
    told = progress or Silent()
    planned = _fresh(spec) if isinstance(spec, Plan) else make_plan(spec)
    with Ledger.open(planned.spec.series.ledger) as ledger:
        found = _published(planned, ledger)
        if found is not None:
            return found
        ledger.check([one.charge for one in planned.measurements])
        public_folder(planned.spec.release.folder)
        totals = _totals(planned, ledger, engine=engine or planned.spec.engine_name, progress=told)
        try:
            with ledger.exclusive():
                _draw(planned, ledger, totals=totals, progress=told)
                return _publish(planned, ledger, progress=told)
        finally:
            if totals is not None:
                totals.close()


def _fresh(old: Plan) -> Plan:
    """Return the plan made anew; LedgerFault where the ledger moved what was planned."""
    new = make_plan(old.spec, zones=old.world.zones)
    if [(m.charge.key, m.law, m.cost) for m in old.measurements] != [
        (m.charge.key, m.law, m.cost) for m in new.measurements
    ]:
        raise LedgerFault(
            "the ledger's policy, or a public file that the spec names, changed since this plan was"
            " made: plan again"
        )
    return new


def _published(plan: Plan, ledger: Ledger) -> Path | None:
    """Return the folder of a settled release, its hashes checked; None where there is none."""
    release_id = ledger.release_id(plan.digest)
    settled = None if release_id is None else ledger.settled(release_id)
    if release_id is None or settled is None:
        return None
    final = plan.spec.release.folder / release_id
    if not final.exists():
        return None
    _complete(final, settled)
    return final


def _totals(plan: Plan, ledger: Ledger, *, engine: str, progress: Progress) -> Totals | None:
    """Read the records once for what was never drawn; None where nothing is missing."""
    drawn = {one.key for one in ledger.reservations() if one.state in _DRAWN}
    missing = [one for one in plan.measurements if one.charge.key not in drawn]
    if not missing:
        return None
    return count(plan, missing=missing, secret=ledger.secret, engine=engine, progress=progress)


def _draw(plan: Plan, ledger: Ledger, *, totals: Totals | None, progress: Progress) -> None:
    """Reserve what is new, then draw and store what was never drawn."""
    if totals is not None:
        ledger.store.make_room(_bytes(plan, totals))
    reservations = _reserve(plan, ledger)
    final = plan.spec.release.folder / reservations[0].release_id
    _refuse_stranger(final, plan=plan, ledger=ledger)
    for i, (one, reservation) in enumerate(zip(plan.measurements, reservations, strict=True)):
        progress.at("Drawing noise", i / len(reservations))
        if reservation.state in _DRAWN:
            continue
        if totals is None or one.charge.key not in totals.keys:
            raise LedgerFault(
                f"{one.table} of {one.date} was given back to the ledger while this ran: run again"
            )
        _measure(one, totals, reservation=reservation, ledger=ledger, plan=plan)
    progress.at("Drawing noise", 1.0)


def _measure(
    one: PlannedMeasurement, totals: Totals, *, reservation: Reservation, ledger: Ledger, plan: Plan
) -> None:
    threads = plan.spec.engine.threads
    if isinstance(one.mechanism, Threshold):
        measure_sparse(
            totals.sparse(one),
            mechanism=one.mechanism,
            reservation=reservation,
            ledger=ledger,
            threads=threads,
        )
        return
    measure(
        totals.bounded(one),
        mechanism=one.mechanism,
        reservation=reservation,
        ledger=ledger,
        threads=threads,
    )


def _bytes(plan: Plan, totals: Totals) -> int:
    """Return what the measurements that were never drawn take in the store, from public facts."""
    missing = [one for one in plan.measurements if one.charge.key in totals.keys]
    return sum(_HEAD_BYTES + _CELL_BYTES * _stored(one, plan.policy.population) for one in missing)


def _stored(one: PlannedMeasurement, population: int) -> int:
    """Return how many numbers a measurement stores, at most."""
    if isinstance(one.mechanism, Threshold):
        return 2 * min(one.keys.size, population * one.bounds.l0)
    return one.keys.size


def _reserve(plan: Plan, ledger: Ledger) -> tuple[Reservation, ...]:
    return ledger.reserve(
        ReleaseKey(plan.digest, plan.spec.slug),
        [one.charge for one in plan.measurements],
        spans={day.date: (day.start_s, day.end_s) for day in plan.world.calendar.dates},
    )


def _publish(plan: Plan, ledger: Ledger, *, progress: Progress) -> Path:
    """Derive the folder from the store, make it visible in one step, and settle."""
    keys = [one.charge.key for one in plan.measurements]
    books, booking = drawn_books(ledger, digest=plan.digest, keys=keys)
    then = plan_with(plan.spec, books=books, zones=plan.world.zones)
    final = plan.spec.release.folder / booking.release
    for leftover in stagings_of(final.parent, owner=ledger.id):
        shutil.rmtree(leftover, ignore_errors=True)
    settled = ledger.settled(booking.release)
    if final.exists():
        digest = _complete(final, settled)
    else:
        with staged(final, owner=ledger.id) as folder:
            digest = derive(
                folder, plan=then, booking=booking, recall=_recalled(ledger), progress=progress
            )
            if settled is not None and digest != settled:
                raise VerifyError(_other_bytes(final))
    if settled is None:
        ledger.settle(booking.release, digest)
    return final


def _recalled(ledger: Ledger) -> Recall:
    """Return what reads the ledger's measurements back, as they are booked now."""
    booked = {one.key: one for one in ledger.reservations()}
    return Recall(
        whole=lambda one: _recall(one, booked[one.charge.key], ledger),
        sparse=lambda one: _recall_sparse(one, booked[one.charge.key], ledger),
    )


def _recall(one: PlannedMeasurement, reservation: Reservation, ledger: Ledger) -> Noisy:
    return recall(
        reservation,
        ledger=ledger,
        keys=one.keys,
        law=one.law,
        reads=one.charge.reads,
        table=one.table,
    )


def _recall_sparse(
    one: PlannedMeasurement, reservation: Reservation, ledger: Ledger
) -> NoisySparse:
    assert isinstance(one.mechanism, Threshold), "only a threshold gives a sparse table"
    return recall_sparse(
        reservation,
        ledger=ledger,
        keys=one.keys,
        mechanism=one.mechanism,
        reads=one.charge.reads,
        table=one.table,
    )


def _complete(final: Path, settled: str | None) -> str:
    """Return the manifest hash of a folder that is there whole; VerifyError where it is not.

    A run that was killed between rename and settling left it.
    """
    findings = verify_release(final)
    digest = "" if findings else sha256_of(final / MANIFEST)
    if not findings and settled not in {None, digest}:
        findings = [f"{MANIFEST}: not the one that the ledger settled"]
    if findings:
        raise VerifyError(_changed(final, findings))
    return digest


def _changed(final: Path, findings: Sequence[str]) -> str:
    return (
        f"{final} was changed since it was released: {'; '.join(findings)}. Move it away and run"
        " again: the stored measurements give the same folder at no cost"
    )


def _refuse_stranger(final: Path, *, plan: Plan, ledger: Ledger) -> None:
    """Refuse, before anything is drawn, a folder of this name that is another release."""
    if not final.exists():
        return
    try:
        said = read_manifest(final)
        owner = (said["ledger"]["id"], said["digest"])
    except (VerifyError, KeyError, TypeError):
        owner = ("", "")
    if owner != (ledger.id, plan.digest):
        raise VerifyError(
            f"{final} is in the way: it is not a release of this spec and ledger. Move it away, or"
            " write another release.folder in the spec, and run again"
        )


def _other_bytes(final: Path) -> str:
    return (
        f"{final.name} was settled with other bytes than this version derives, most likely because"
        " the software was upgraded since. The measurements are unharmed. Put a copy of the folder"
        " back, or give the spec another title: that is a new release of the same measurements, at"
        " no cost"
    )

"""Asking again, through the door: a series of its own that can pay for one date twice."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from dp.errors import BudgetRefused
from dp.ledger import Ledger
from dp.loss import Loss, Rho
from pipelines.audit._door import one_date, own_anchors
from pipelines.release.plan import plan
from pipelines.release.run import release

if TYPE_CHECKING:
    from pathlib import Path

    from dp.ledger import Policy
    from pipelines.audit._stage import Stage
    from pipelines.spec import ReleaseSpec

_AFFORDABLE = 2
SAME, CHARGED, REFUSED, LEAKED = "the same bytes", "charged", "refused", "neither"


@dataclass(slots=True)
class Series:
    """Releases of one date with a ledger of simulated people, who exist nowhere.

    Attributes:
        spec: The release that is asked for first.
        folder: What the last answer was written to.
        epochs: What each charged answer says of its epoch.
    """

    spec: ReleaseSpec
    folder: Path | None = None
    epochs: list[str] = field(default_factory=list)

    def ask(self, spec: ReleaseSpec | None = None) -> str:
        """Ask for a release, its folder moved away before; return what the answer was.

        ``SAME``: every byte as before and nothing charged. ``CHARGED``: each measurement was paid
        for. ``REFUSED``: nothing was charged or written. ``LEAKED``: anything else.
        """
        wanted, paid = spec or self.spec, self._charges()
        before = None if self.folder is None else _digest(self.folder)
        if self.folder is not None:
            shutil.rmtree(self.folder)
        planned = plan(wanted)
        try:
            self.folder = release(planned)
        except BudgetRefused:
            self.folder = None
            return REFUSED if self._charges() == paid else LEAKED
        new = self._charges() - paid
        if new == 0:
            return SAME if before == _digest(self.folder) else LEAKED
        manifest: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text("utf-8"))
        self.epochs.append(json.dumps(manifest["epoch"], sort_keys=True))
        return CHARGED if new == len(planned.measurements) else LEAKED

    def drop_a_person(self) -> None:
        """Leave one person out of the records."""
        path = self.spec.sources[0].path
        table = pq.read_table(path)
        first = table["subscriber"][0].as_py()
        keep = [name != first for name in table["subscriber"].to_pylist()]
        pq.write_table(table.filter(pa.array(keep)), path)

    def _charges(self) -> int:
        with Ledger.open(self.spec.series.ledger) as ledger:
            return len(ledger.spends())


@contextmanager
def series(stage: Stage, *, people: int, name: str) -> Iterator[Series]:
    """Make a series whose ledger can pay for one date twice; everything of it is removed after."""
    made = one_date(stage, people=people, shape=None, name=name)
    plain = type(made.layers).model_validate({"for_models": False, "coarse": False})
    spec = dataclasses.replace(made, layers=plain)
    home = spec.series.ledger.parent
    with own_anchors(home / "anchors"):
        try:
            with Ledger.create(spec.series.ledger, two_dates(stage.plan.policy)):
                pass
            yield Series(spec)
        finally:
            shutil.rmtree(home, ignore_errors=True)


def two_dates(policy: Policy) -> Policy:
    """Return a policy of the same loss a date whose window is two dates."""
    each = policy.per_date
    return dataclasses.replace(
        policy,
        cap=Loss(Rho(each.rho.value * _AFFORDABLE), each.delta * _AFFORDABLE),
        unit=dataclasses.replace(policy.unit, window_days=_AFFORDABLE),
    )


def redrawn(spec: ReleaseSpec, stage: Stage, *, number: int) -> ReleaseSpec:
    """Return a spec over the same date with other zones: two of them are drawn as one."""
    frame = stage.plan.world.zones.frame
    kept = frame.drop(index=frame.index[number + 1])
    both = frame.geometry.iloc[[number, number + 1]].union_all()
    kept.loc[frame.index[number], "geometry"] = both
    path = spec.series.ledger.parent.resolve() / f"zones-{number}.geojson"
    kept[["zone", "geometry"]].to_file(path, driver="GeoJSON")
    section = type(spec.zones).model_validate(
        {"file": str(path), "id": "zone"}, context={"base": path.parent, "check_data": False}
    )
    return dataclasses.replace(spec, zones=section)


def _digest(folder: Path) -> str:
    """Return one hash of every name and byte of a folder."""
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()

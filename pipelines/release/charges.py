"""What a measurement is booked under: one hash of everything public that makes it what it is."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dp.errors import LedgerFault
from dp.law import NoiseLaw
from dp.ledger import Charge
from dp.mechanisms import Mechanism, Threshold
from pipelines.release.manifest import canonical, digest_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from dp.bounds import Bounds
    from dp.keys import KeySet
    from dp.loss import Loss
    from pipelines.schemas.measured import TableParams
    from pipelines.schemas.traces import TraceParams
    from pipelines.schemas.world import World

_NOT_ASKED = {"share", "table", "levels", "level_caps", "max_sd"}
LAW_FACTS = ("noise", "scale", "factor")
THRESHOLD = "threshold"


def facts_of(
    params: TableParams, *, traces: TraceParams, world: World, allotted: Loss, issue: int
) -> dict[str, Any]:
    """Return what is asked of a table, the same for every date.

    The share is left out, because what is allotted is what it comes to: a share of 1 of 2 and a
    share of 2 of 4 are the same measurement. Levels are booked one by one (``level_facts``), and a
    limit of noise only refuses. So are the code's version and the sources' paths left out: an
    upgrade or a moved file never draws again. A new delivery of data is a new ``issue``.
    """
    return {
        "table": params.table,
        "params": json.loads(params.model_dump_json(exclude=_NOT_ASKED)),
        "traces": json.loads(traces.model_dump_json()),
        "zones": world.zones.digest,
        **({"towers": [towers.digest for towers in world.towers]} if world.towers else {}),
        "rho": str(allotted.rho.value),
        **({"delta": str(allotted.delta)} if allotted.delta else {}),
        "issue": issue,
    }


def charge_of(
    facts: Mapping[str, Any],
    *,
    reads: tuple[dt.date, ...],
    keys: KeySet,
    bounds: Bounds,
    mechanism: Mechanism | Threshold,
) -> Charge:
    """Return the charge of one table, published under the last of the dates that it reads.

    ``key`` hashes what is asked (``facts``, the key set and the date). ``detail`` adds what was
    decided for it, the noise law above all: a stored measurement is always read with the law it
    was drawn with.
    """
    asked = {**facts, "keys": keys.digest, "date": reads[-1].isoformat()}
    if len(reads) > 1:
        asked["from"] = reads[0].isoformat()
    law = mechanism.law
    detail = {
        **{name: _text(value) for name, value in asked.items()},
        "noise": law.kind,
        "scale": repr(law.scale),
        "factor": str(law.factor),
        "l0": str(bounds.l0),
        "l1": str(bounds.l1),
        "l2_squared": str(bounds.l2_squared),
        "linf": str(bounds.linf),
        **({THRESHOLD: str(mechanism.threshold)} if isinstance(mechanism, Threshold) else {}),
    }
    return Charge(
        key=digest_of(asked),
        table=str(facts["table"]),
        reads=reads,
        loss=mechanism.cost,
        detail=MappingProxyType(detail),
    )


def law_of(detail: Mapping[str, str]) -> NoiseLaw:
    """Return the noise law that a charge was booked with.

    Raises:
        LedgerFault: the booked facts name no law.
    """
    try:
        kind, scale, factor = (detail[name] for name in LAW_FACTS)
        return NoiseLaw(kind=kind, scale=float(scale), factor=int(factor))  # type: ignore[arg-type]
    except (KeyError, ValueError):
        raise LedgerFault(
            "a charge in the ledger names no noise law; run `murmuration verify` on the ledger"
        ) from None


def booked_mechanism(detail: Mapping[str, str], bounds: Bounds) -> Mechanism | Threshold:
    """Return the mechanism that a charge was booked with.

    Raises:
        LedgerFault: the booked facts name no law.
    """
    noise = Mechanism(law_of(detail), bounds)
    return Threshold(noise, int(detail[THRESHOLD])) if THRESHOLD in detail else noise


def _text(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)

"""The policy of a series: cap, unit and calendar, fixed when its ledger is created."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dp.errors import PolicyError
from dp.loss import Loss, Rho, exact
from dp.units import PrivacyUnit

STEADY = "never"
"""What ``id_rotation`` says where a person keeps the same identifiers on all dates."""
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_BETWEEN = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the privacy officer fixed. Public.

    Attributes:
        cap: The loss that one unit may meet in any window, at most.
        unit: Window and attested identifiers of one person.
        time_zone: IANA name; the series has one.
        id_rotation: When identifiers change, as the custodian declares it: "never" (a person keeps
            the same ones on all dates), the dates on which new ones begin (and nothing else), or
            other public words.
        population: People in the data, as declared to the public.
        day_starts: Local time "HH:MM" at which a date starts.

    Raises:
        PolicyError: for a cap of 0, a delta of 1/population or more (with that chance a mechanism
            may publish somebody whole), or a field that means nothing.
    """

    cap: Loss
    unit: PrivacyUnit
    time_zone: str
    id_rotation: str
    population: int
    day_starts: str = "04:00"

    def __post_init__(self) -> None:
        if self.cap.rho.value <= 0:
            raise PolicyError('cap_rho must be above 0, got 0. Write for example "1/2"')
        if self.population < 1:
            raise PolicyError(f"population must be 1 or more, got {self.population}")
        if self.cap.delta * self.population >= 1:
            raise PolicyError(
                f"cap_delta must be below 1/population = 1/{self.population}, got "
                f'{self.cap.delta}. Write for example "0", or "1/{self.population * 100}"'
            )
        if not _TIME.fullmatch(self.day_starts):
            raise PolicyError(f'day_starts must be a time such as "04:00", got {self.day_starts!r}')
        if not self.id_rotation.strip():
            raise PolicyError('id_rotation must say when ids change: "never", "daily", "monthly"')
        _check_time_zone(self.time_zone)

    @property
    def rotations(self) -> tuple[dt.date, ...] | None:
        """Dates on which new identifiers begin, as :func:`rotation_dates` reads them."""
        return rotation_dates(self.id_rotation)

    @property
    def per_date(self) -> Loss:
        """What a date may be charged by default: cap / window, or the whole cap without one."""
        days = self.unit.window_days
        if days is None:
            return self.cap
        return Loss(self.cap.rho * Fraction(1, days), self.cap.delta / days)

    def as_dict(self) -> dict[str, str | int | None]:
        """Return the policy as plain values with exact text, equal only for equal policies."""
        return {
            "cap_rho": str(self.cap.rho.value),
            "cap_delta": str(self.cap.delta),
            "window_days": self.unit.window_days,
            "ids_per_person_per_date": self.unit.ids_per_person_per_date,
            "time_zone": self.time_zone,
            "day_starts": self.day_starts,
            "population": self.population,
            "id_rotation": self.id_rotation,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, object]) -> Policy:
        """Return the policy written as :meth:`as_dict` writes it; PolicyError names what is off."""
        _check_fields(plain)
        try:
            return cls(
                cap=Loss(
                    Rho(exact(_text(plain, "cap_rho"), name="cap_rho")),
                    exact(_text(plain, "cap_delta"), name="cap_delta"),
                ),
                unit=PrivacyUnit(
                    window_days=_count(plain, "window_days"),
                    ids_per_person_per_date=_count(plain, "ids_per_person_per_date"),
                ),
                time_zone=_text(plain, "time_zone"),
                day_starts=_text(plain, "day_starts"),
                population=_count(plain, "population") or 0,
                id_rotation=_text(plain, "id_rotation"),
            )
        except (TypeError, ValueError) as error:
            raise PolicyError(f"policy: {error}") from None


def rotation_dates(said: str) -> tuple[dt.date, ...] | None:
    """Return the dates on which new identifiers begin, ascending; None where words say when.

    Text that says more than dates is words: what else it says might be other dates.

    >>> rotation_dates("never"), rotation_dates("2026-07-01, 2026-04-01")
    ((), (datetime.date(2026, 4, 1), datetime.date(2026, 7, 1)))
    >>> rotation_dates("2026-04-01, then monthly")
    """
    if said.strip() == STEADY:
        return ()
    words = [word for word in _BETWEEN.split(said) if word not in {"", "and"}]
    if not words or not all(_DATE.fullmatch(word) for word in words):
        return None
    try:
        return tuple(sorted({dt.date.fromisoformat(word) for word in words}))
    except ValueError:
        return None


_FIELDS = frozenset(
    {
        "cap_rho",
        "cap_delta",
        "window_days",
        "ids_per_person_per_date",
        "time_zone",
        "day_starts",
        "population",
        "id_rotation",
    }
)


def _check_fields(plain: Mapping[str, object]) -> None:
    missing, unknown = sorted(_FIELDS - set(plain)), sorted(set(plain) - _FIELDS)
    if missing:
        raise PolicyError(f"policy: {', '.join(missing)} must be given")
    if unknown:
        raise PolicyError(
            f"policy: no field is named {', '.join(unknown)}. Fields: {', '.join(sorted(_FIELDS))}"
        )


def _text(plain: Mapping[str, object], name: str) -> str:
    value = plain[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, got {value!r}")
    return value


def _count(plain: Mapping[str, object], name: str) -> int | None:
    value = plain[name]
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    return value


def _check_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PolicyError(
            f'time_zone must be an IANA name such as "Asia/Seoul", got {name!r}'
        ) from None

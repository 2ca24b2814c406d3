"""A record with the fields of OpenDP's deployments registry, filled with what the release knows.

What only the custodian knows (name, region, sector, purpose) is marked as theirs to fill in. The
registry wants a publication date; a folder carries no clock, so it is the last date covered, which
the record says.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pipelines.release.manifest import canonical

if TYPE_CHECKING:
    from pipelines.release.books import Booking
    from pipelines.release.model import Plan

FOR_CUSTODIAN = "(for the custodian to fill in)"
_MODEL = {
    "model_name": "Central",
    "model_name_details": "The custodian holds the raw records; only noisy tables leave.",
    "actors": (
        "The custodian, who is trusted with the records, the attested number of identifiers and"
        " the ledger; readers, who are not trusted."
    ),
    "release_type": "Many releases",
    "release_type_details": (
        "A ledger caps the loss of every window of dates over all releases of the series;"
        " stored measurements are never drawn again."
    ),
    "data_source_type": "Dynamic",
    "data_source_type_details": "Each date adds records.",
    "access_type": "Non-interactive",
    "access_type_details": "Readers get the folder as published.",
}
_KINDS = {
    "pings": "pings: an identifier, a time, coordinates",
    "visits": "visits: an identifier, a start, an end, a place",
    "cdr": "network events: an identifier, a time, a tower",
    "counters": "counters: a sensor, a time, a count",
}
NOISE_NAMES = {"discrete_gaussian": "discrete Gaussian", "discrete_laplace": "discrete Laplace"}


_THRESHOLD = (
    "Tables with a threshold publish only cells whose noisy value reaches it, and are charged a"
    " delta for the chance that a cell of one person alone does (Rogers 2023, arXiv 2309.09170)."
)


def registry_record(plan: Plan, booking: Booking) -> dict[str, Any]:
    """Return the record: status, tier and deployment, with the registry's own field names."""
    return {
        "url_slug": booking.release,
        "status": "Draft",
        "tier": 3,
        "deployment": {
            "basic": _basic(plan),
            "dp_variant": _variant(plan),
            "privacy_loss": _loss(plan),
            "deployment_model": dict(_MODEL),
            "accounting": _accounting(plan),
            "implementation": _implementation(plan),
            "administrative": {
                "sources": "Bun and Steinke 2016 (arXiv 1605.02065); Canonne, Kamath and Steinke"
                " 2020 (arXiv 2004.00010)",
                "notes": "publication_date is the last date covered: set it when registering.",
                "registry_authors": [FOR_CUSTODIAN],
            },
        },
    }


def _basic(plan: Plan) -> dict[str, Any]:
    dates = plan.world.calendar.dates
    return {
        "name": plan.spec.title,
        "data_curators": [FOR_CUSTODIAN],
        "intended_use": "Aggregate mobility for epidemiology. " + FOR_CUSTODIAN,
        "data_product_type": "Summary statistics",
        "data_product_region": FOR_CUSTODIAN,
        "description": (
            f"Tables {', '.join(p.table for p in plan.spec.tables)} for {dates[0].date} to"
            f" {dates[-1].date} over {len(plan.world.zones)} public zones, with noise and a noise"
            " interval in every cell."
        ),
        "publication_date": dates[-1].date.isoformat(),
        "data_product_sector": "Healthcare",
    }


def _variant(plan: Plan) -> dict[str, Any]:
    kinds = dict.fromkeys(_KINDS.get(source.kind, source.kind) for source in plan.spec.declared)
    return {
        "variant_name": "Zero-concentrated DP",
        "data_domain": (
            f"All sets of location records ({'; '.join(kinds)}) that the declared sources could"
            " hold. Undated inputs about a person (id map, exclusions, strata) are held fixed over"
            " the series."
        ),
        "unprotected_quantities": (
            "No quantity of the records is released without noise. Public facts are not protected:"
            " zones, dates, table parameters, that this custodian took part, and a declared"
            f" population of {plan.policy.population}."
        ),
    }


def _loss(plan: Plan) -> dict[str, Any]:
    from pipelines.release.privacy import attestation, unit_sentence

    unit, window = plan.policy.unit, plan.policy.unit.window_days
    span = "the whole series" if window is None else f"any {window} dates"
    held = plan.guarantees()[-1]
    return {
        "privacy_unit": str(unit),
        "privacy_unit_details": (
            f"{unit_sentence(plan)}. Neighbours differ by adding or removing all of that."
            f" {attestation(plan)}"
        ),
        "privacy_parameters": {
            "rho": float(plan.policy.cap.rho),
            **({"delta": float(plan.policy.cap.delta)} if plan.policy.cap.delta else {}),
        },
        "privacy_parameters_details": (
            f"rho is the cap over {span}; it adds up over longer spans. The series has spent"
            f" {float(held.loss.rho):.6g} in total so far. Certified epsilons per 1, 7, 30 and 365"
            " dates stand in guarantee.spans."
        ),
    }


def _accounting(plan: Plan) -> dict[str, Any]:
    limit = plan.spec.release.max_relative_sd
    return {
        "post_processing": (
            "Intervals, status, derived tables, population estimates and text are computed from"
            f" noisy values and public facts; low_precision marks sd > {limit:g} x value. In"
            " tables/ no value is clamped, rounded or suppressed; for_models/, where it is made, is"
            " shrunk and non-negative, and is marked biased."
        ),
        "composition": (
            "Sums of rho per date read (Bun and Steinke 2016, Lemma 2.3); for every window the"
            " charges whose dates meet it stay within the cap."
        ),
    }


def _implementation(plan: Plan) -> dict[str, Any]:
    noise = sorted({NOISE_NAMES[m.law.kind] for m in plan.measurements})
    bounding = "; ".join(f"{p.table} {canonical(_shown(p))}" for p in plan.spec.tables)
    return {
        "preprocessing_and_hyperparameter_tuning": (
            f"One person's contributions are bounded per date: {bounding}. Parameters are public"
            " and were not tuned on the records by this software."
        ),
        "mechanisms": (
            f"{' and '.join(noise)} noise on integers, drawn by OpenDP {version('opendp')} (exact"
            " samplers: no floating-point noise), whose privacy map states each cost;"
            f" murmuration-mobility {version('murmuration-mobility')}."
        ),
        "justification": (
            "Every cell of a public key set gets noise, whether anyone is in it or not, so that"
            " which rows exist does not depend on the records."
            + (f" {_THRESHOLD}" if plan.thresholded else "")
            + " The sensitivity of every table is proven beside the code and tested on generated"
            " people; no outside party has verified it. Raw records stay with the custodian;"
            " running time and memory are not protected."
        ),
    }


def _shown(params: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in params.model_dump(mode="python").items()
        if name in {"cap", "bounding"}
    }

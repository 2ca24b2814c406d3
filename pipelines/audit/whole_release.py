"""Whole releases through the door: do they carry the noise that the other audits draw?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from dp.audits.finding import Finding, Measured, Verdict
from pipelines.audit._audit import Audit
from pipelines.audit._door import one_date, released
from pipelines.audit._filter import CONFIDENCE, worst_person
from pipelines.audit._parts import Parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.audit._stage import Stage
    from pipelines.progress import Progress

_PEOPLE = 200
_MOST, _RUNS_A_RELEASE = 5, 20_000
_ALARM = 3.3
_DATE = range(1)
_BINS = 41


def _run(stage: Stage, progress: Progress) -> Iterator[Finding]:
    if stage.crowd is None:
        return
    each = max(1, min(_MOST, stage.runs // _RUNS_A_RELEASE))
    people = min(_PEOPLE, stage.vectors.shape[0])
    shape, person = worst_person(stage, _DATE)
    mine = stage.layout.columns(dates=_DATE)
    measured = np.isfinite(stage.layout.sd[mine])
    exact = np.asarray(stage.vectors[:people, mine].sum(axis=0)).ravel()
    parts = Parts(progress, "Making whole releases", [1.0] * (2 * each))
    left: list[NDArray[np.float64]] = []
    for added, target in ((0, None), (1, shape)):
        for run in range(each):
            spec = one_date(stage, people=people, shape=target, name=f"{added}-{run}")
            noise = released(stage, spec) - exact - added * person[mine]
            left.append(noise[measured] / stage.layout.sd[mine][measured])
            parts.part().at("", 1.0)
    yield _missing_noise(np.concatenate(left), releases=2 * each, people=people, shape=shape)


def _missing_noise(
    noise: NDArray[np.float64], *, releases: int, people: int, shape: str
) -> Finding:
    """Judge how much of the planned variance is missing from what was released."""
    squares = np.square(noise)
    error = float(squares.std()) / noise.size**0.5
    missing = Measured(value=1.0 - float(squares.mean()), se=error)
    verdict: Verdict = "broken" if missing.value > _ALARM * missing.se else "holds"
    return Finding(
        name=f"{releases} releases of one date",
        tried=f"{releases} releases of {people} people, half of them with the {shape} person too:"
        " what the bounded tables of the other audits leave unexplained is the door's noise.",
        figure="noise that is missing, as a part of the planned variance",
        with_person=missing,
        bound=0.0,
        bound_of="the noise that was planned; more than 3.3 standard errors above are broken",
        confidence=CONFIDENCE,
        verdict=verdict,
        figures={
            "releases": float(releases),
            "cells": float(noise.size),
            "mean_of_noise_in_sds": float(noise.mean()),
            "largest_in_sds": float(np.abs(noise).max()),
        },
        rows=_shares(noise),
    )


def _shares(noise: NDArray[np.float64]) -> list[dict[str, float | str]]:
    """Return the noise's shares in bins beside those of the normal law."""
    from scipy.special import ndtr

    edges = np.linspace(-4.0, 4.0, _BINS + 1)
    seen = np.histogram(noise, edges)[0] / noise.size
    due = np.diff(ndtr(edges))
    middle = (edges[1:] + edges[:-1]) / 2.0
    titles = {"x_title": "noise in planned sds", "y_title": "share of cells"}
    return [
        {"x": round(float(x), 3), "y": round(float(y), 5), "series": series, **titles}
        for series, shares in (("released", seen), ("planned", due))
        for x, y in zip(middle, shares, strict=True)
    ]


AUDIT = Audit(
    name="whole-release",
    title="Whole releases carry the same noise",
    summary="The other audits take records as far as the bounded tables and draw the plan's noise"
    " themselves, many times. Here a few releases are made whole: ledger, reservation, draw, store"
    " and folder, as a custodian makes them, with one person and without.",
    bound="No part of the planned variance is missing from what the folders hold.",
    source="Chi-squared test of the released noise; the normal law is that of discrete Gaussian"
    " noise of several steps (Canonne, Kamath and Steinke 2020, arXiv 2004.00010).",
    run=_run,
)

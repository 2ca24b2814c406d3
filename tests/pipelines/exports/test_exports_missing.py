"""No consumer's file turns a value that does not exist into 0, whatever the statuses."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from export_desk import (
    BINS,
    CELLS,
    DATES,
    MISSING,
    PAIRS,
    READERS,
    ZONES,
    Cells,
    make_folder,
    structural,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import ExportError
from pipelines.exports import EXPORTS
from pipelines.exports._run import export
from pipelines.exports._source import with_na
from pipelines.release.status import STATUSES

Statuses = dict[tuple[str, ...], str]
Values = dict[tuple[str, ...], float]
KINDS = sorted(set(STATUSES) - {"structural_zero"})
statuses = st.fixed_dictionaries({cell: st.sampled_from(KINDS) for cell in CELLS})
values = st.fixed_dictionaries(
    {cell: st.sampled_from([-30.0, -0.25, 0.0, 0.25, 7.0, 1234.5]) for cell in CELLS}
)


def test_every_format_has_a_reader_here() -> None:
    assert set(READERS) == set(EXPORTS)


def test_a_ratio_that_says_nothing_is_na_and_an_unknown_status_is_refused() -> None:
    frame = pd.DataFrame({"value": [1.0, 0.0, 2.0], "sd": [1.0, 0.0, np.inf]})
    frame["status"] = ["partial", "structural_zero", "unbounded"]
    assert with_na(frame)["value"].tolist()[:2] == [1.0, 0.0]
    assert with_na(frame)[["value", "sd"]].iloc[2].isna().all()
    with pytest.raises(ExportError, match="'secret' that this version does not know"):
        with_na(frame.assign(status="secret"))


def _expected(name: str, status: Statuses, value: Values) -> Cells:
    """Return what a format must hold: None for NA."""
    table = {"od-csv": "od_flows", "skmob": "od_flows", "r-mobility": "od_flows"}.get(name)
    if name == "google-csv":
        table = "visits"
    found: Cells = {}
    for cell in CELLS:
        number = None if status[cell] in MISSING else value[cell]
        if structural(cell):
            number = 0.0
        if table in {None, cell[0]}:
            found[cell] = number
    if name in {"skmob", "r-mobility"}:
        found = {cell: None if v is None else max(v, 0.0) for cell, v in found.items()}
    if name == "r-mobility":
        found = {cell: None if v is None else float(np.rint(v)) for cell, v in found.items()}
    if name in {"covidcast", "geoparquet"}:  # a derived table by zone is a table like any other
        visits = {cell: v for cell, v in found.items() if cell[0] == "visits"}
        found |= {("change_from_baseline_visits", *cell[1:]): v for cell, v in visits.items()}
    if name == "covidcast":
        return _signals(found)
    return found


def _signals(found: Cells) -> Cells:
    signals = {cell: v for cell, v in found.items() if cell[0].endswith("visits")}
    for date in DATES:
        for zone in ZONES:
            bins = [found["presence", date, str(b), zone] for b in range(BINS)]
            known = [v for v in bins if v is not None]
            mean = sum(known) / BINS if len(known) == BINS else None
            signals["presence_mean", date, zone] = mean
    return signals


@pytest.mark.parametrize("name", sorted(set(EXPORTS) - {"epydemix"}))
@given(status=statuses, value=values)
@settings(max_examples=12, deadline=None)
def test_na_is_na_and_zero_is_zero(name: str, status: Statuses, value: Values) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = make_folder(Path(place) / "town-0001", statuses=status, values=value)
        found = READERS[name](export(folder, to=name, clip=EXPORTS[name].nonnegative))
    assert found == _expected(name, status, value)


@given(status=statuses, value=values)
@settings(max_examples=40, deadline=None)
def test_epydemix_averages_what_exists_and_refuses_what_never_does(
    status: Statuses, value: Values
) -> None:
    sums, counts = np.zeros((3, 3)), np.zeros((3, 3))
    for cell in PAIRS:
        at = ZONES.index(cell[2]), ZONES.index(cell[3])
        if structural(cell) or status[cell] not in MISSING:
            counts[at] += 1
            sums[at] += 0.0 if structural(cell) else value[cell]
    with tempfile.TemporaryDirectory() as place:
        folder = make_folder(Path(place) / "town-0001", statuses=status, values=value)
        if (counts == 0).any():
            with pytest.raises(ExportError, match="holds no missing value"):
                export(folder, to="epydemix", clip=True)
            return
        mean = np.maximum(sums / counts, 0)
        if (mean.sum(axis=1) == 0).any():
            with pytest.raises(ExportError, match="needs a trip from every zone"):
                export(folder, to="epydemix", clip=True)
            return
        found = READERS["epydemix"](export(folder, to="epydemix", clip=True))
    wanted = mean / mean.sum(axis=1, keepdims=True)
    for (_, origin, destination), cell in found.items():
        assert cell == pytest.approx(wanted[ZONES.index(origin), ZONES.index(destination)])


@given(status=statuses, value=values)
@settings(max_examples=10, deadline=None)
def test_modelled_flows_stay_na_where_the_release_has_no_value(
    status: Statuses, value: Values
) -> None:
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "town-0001"
        folder = make_folder(home, statuses=status, values=value, parts=("modelled",))
        means = READERS["skmob"](export(folder, to="skmob"))
        wholes = READERS["r-mobility"](export(folder, to="r-mobility"))
    for cell in PAIRS:
        if structural(cell):
            assert means[cell] == wholes[cell] == 0.0
        elif status[cell] in MISSING:
            assert means[cell] is wholes[cell] is None
        else:
            assert means[cell] == abs(value[cell]) + 0.75
            assert wholes[cell] == round(abs(value[cell]) + 0.75)

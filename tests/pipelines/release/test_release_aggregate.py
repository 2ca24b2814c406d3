"""Sums of rows, in Python and in R: the right error, and no sum where it would be wrong."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from release_town import Town

from pipelines import aggregate, read_release
from pipelines.release.aggregate import AggregateError

R_FILE = Path(__file__).parents[3] / "r" / "murmuration.R"


@pytest.fixture
def folder(released: Town) -> Path:
    """A released folder, only to be read."""
    (made,) = released.releases.iterdir()
    return made


def _rows(**columns: list[object]) -> pd.DataFrame:
    frame = pd.DataFrame({"status": "ok", **columns})
    frame.attrs["layer"] = "measured"
    return frame


def test_values_add_and_squares_of_sd_add_with_negative_values_kept() -> None:
    rows = _rows(zone=["a", "b", "c"], value=[10.0, -4.0, 1.0], sd=[3.0, 4.0, 12.0])
    (one,) = aggregate(rows).to_dict("records")
    assert (one["rows"], one["value"], one["sd"]) == (3, 7.0, 13.0)
    assert one["lo95"] == pytest.approx(7 - 1.959964 * 13, abs=1e-5)
    assert one["status"] == "low_precision"


def test_sums_cover_the_truth_95_times_in_100_for_both_laws() -> None:
    rng, groups = np.random.default_rng(3), 10_000
    for noise, draw in (
        ("discrete_gaussian", rng.normal(0, 9, (groups, 3))),
        ("discrete_laplace", rng.laplace(0, 9 / np.sqrt(2), (groups, 3))),
    ):
        rows = _rows(
            g=np.repeat(np.arange(groups), 3).tolist(),
            k=np.tile(np.arange(3), groups).tolist(),
            value=(50 + draw).ravel().tolist(),
            sd=[9.0] * (3 * groups),
        )
        rows.attrs["noise"] = noise
        sums = aggregate(rows, by="g")
        held = ((sums["lo95"] <= 150) & (sums["hi95"] >= 150)).mean()
        assert abs(held - 0.95) < 0.01


def test_a_published_table_adds_up_to_its_published_totals(folder: Path) -> None:
    release = read_release(folder)
    sums = aggregate(release["visits"], by="date")
    totals = release["totals_visits"]
    city = totals[totals["level"] == "city"].reset_index(drop=True)
    assert sums["value"].to_numpy() == pytest.approx(city["value"].to_numpy())
    assert sums["sd"].to_numpy() == pytest.approx(city["sd"].to_numpy())


def test_a_missing_value_is_not_0_and_an_outage_is_told() -> None:
    rows = _rows(date=[1, 1, 2, 2, 3], zone=list("ababa"), value=[1.0] * 5, sd=[0.1] * 5)
    rows["status"] = ["ok", "not_released", "no_data", "ok", "structural_zero"]
    sums = aggregate(rows, by=["date"])
    assert sums["status"].tolist() == ["not_released", "partial", "structural_zero"]
    assert np.isnan(sums["value"][0])
    assert sums["value"][1] == 2.0


def test_biased_dependent_or_repeated_rows_are_refused(folder: Path) -> None:
    release = read_release(folder)
    rows = _rows(zone=["a"], value=[1.0], sd=[1.0])
    biased = rows.copy()
    biased.attrs["layer"] = "for_models"
    with pytest.raises(AggregateError, match=r"for_models/: they are biased"):
        aggregate(biased)
    with pytest.raises(AggregateError, match="for_models"):
        aggregate(_rows(zone=["a"], biased_value=[1.0], biased_sd=[1.0]))
    with pytest.raises(AggregateError, match="share noise"):
        aggregate(release["crowding"])
    with pytest.raises(AggregateError, match="share noise"):
        aggregate(aggregate(rows, by="zone"))
    with pytest.raises(AggregateError, match="twice"):
        aggregate(pd.concat([rows, rows]))
    with pytest.raises(AggregateError, match="no column 'district'"):
        aggregate(rows, by="district")
    with pytest.raises(AggregateError, match="'value' is no key"):
        aggregate(rows, by="value")


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r_reads_and_sums_as_python_does(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "sums.csv"
    script = f"""
    source("{R_FILE}")
    rows <- mm_read("{folder}", "od_flows")
    stopifnot(inherits(rows$date, "Date"), is.factor(rows$origin), !anyNA(rows))
    write.csv(mm_aggregate(rows, by = c("date", "origin")), "{out}", row.names = FALSE)
    stopifnot(nrow(mm_aggregate(rows)) == 1)
    refused <- function(x) inherits(try(mm_aggregate(x), silent = TRUE), "try-error")
    stopifnot(refused(rbind(rows, rows)), refused(mm_read("{folder}", "crowding")))
    stopifnot(identical(attr(mm_read("{folder}", "totals_visits"), "layer"), "derived"))
    biased <- mm_read("{folder}", "od_flows_biased", layer = "for_models")
    stopifnot(is.numeric(biased$biased_value), is.numeric(biased$biased_hi95), refused(biased))
    coarse <- mm_read("{folder}", "presence", layer = "coarse")
    stopifnot(inherits(coarse$from_date, "Date"), is.numeric(coarse$cells), is.factor(coarse$place))
    attr(rows, "layer") <- "for_models"
    stopifnot(refused(rows))
    """
    subprocess.run(["Rscript", "-e", script], check=True, capture_output=True, text=True)
    found = pd.read_csv(out, dtype={"origin": str})
    due = aggregate(read_release(folder)["od_flows"], by=["date", "origin"])
    assert found["origin"].tolist() == due["origin"].astype(str).tolist()
    assert found["rows"].tolist() == due["rows"].tolist()
    for name in ("value", "sd", "lo95", "hi95"):
        assert found[name].to_numpy() == pytest.approx(due[name].to_numpy())
    assert found["status"].tolist() == due["status"].tolist()

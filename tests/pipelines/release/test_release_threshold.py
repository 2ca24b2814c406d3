"""A table of which only cells that reach a threshold are published: asked for, paid, released."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from release_threshold import (
    FLOWS,
    SAMPLED,
    commuters,
    grid_of,
    only_flows,
    thresholded,
)
from release_town import KnownTotals, Town, bytes_of

from dp.ledger import Ledger
from dp.mechanisms import Threshold
from pipelines import aggregate, export, read_release, verify_release
from pipelines.errors import ExportError, SpecError
from pipelines.release import run, world
from pipelines.release.aggregate import AggregateError
from pipelines.release.draws import draws
from pipelines.release.plan import plan
from pipelines.release.run import release
from pipelines.release.toolarge import MAX_CELLS

Counted = list[KnownTotals]


def test_without_a_delta_it_is_refused_with_one_that_works(town: Town) -> None:
    thresholded(town, delta=None)
    with pytest.raises(SpecError) as said:
        plan(town.spec())
    text = str(said.value)
    assert text.startswith('od_flows: keys = "threshold" costs a delta, and the policy allows none')
    delta = re.search(r'cap_delta = "([\d/]+)"', text)
    least = re.search(r"cells of ([\d,]+) trips or more", text)
    assert delta is not None
    assert least is not None
    town.edit_policy('cap_rho = "1/2"', f'cap_rho = "1/2"\ncap_delta = "{delta[1]}"')
    town.create_ledger()
    (row,) = (row for row in plan(town.spec()).rows() if "released_from" in row)
    assert f"{row['released_from']:,.0f}" == least[1]


def test_weighting_is_refused_before_anything_is_planned(town: Town) -> None:
    with pytest.raises(SpecError, match=r'keys = "threshold" needs .* bounding = "sampling"'):
        town.edit(FLOWS, SAMPLED.replace('\nbounding = "sampling"', ""))


def test_delta_is_split_over_dates_and_tables_by_share(town: Town) -> None:
    thresholded(town)
    visits = 'table = "visits"\nshare = 3'
    town.edit(visits, visits + '\nkeys = "threshold"\nbounding = "sampling"')
    made = plan(town.spec())
    per_date = Fraction(1, 100_000) / 30
    for name, share in (("visits", 3), ("od_flows", 7)):
        for one in made.of(name):
            assert isinstance(one.mechanism, Threshold)
            assert per_date * share / 10 * Fraction(1, 2) < one.cost.delta
            assert one.cost.delta <= per_date * share / 10
    assert all(one.cost.delta == 0 for one in made.of("presence"))
    assert made.rate.over(1).delta <= per_date
    assert made.tables == ("panel", "presence")
    assert made.thresholded == ("visits", "od_flows")


def test_the_statement_is_that_of_sampling_whose_laws_hold(town: Town) -> None:
    from pipelines.release.totals import job_of

    town.edit(FLOWS, FLOWS + '\nbounding = "sampling"')
    whole = plan(town.spec())
    town.edit(FLOWS + '\nbounding = "sampling"', FLOWS)
    thresholded(town)
    few = plan(town.spec())
    secret = b"0" * 32
    jobs = [job_of(p, world=p.world, tables=["od_flows"], secret=secret) for p in (whole, few)]
    assert jobs[0].statements == jobs[1].statements
    assert whole.of("od_flows")[0].bounds == few.of("od_flows")[0].bounds
    assert few.of("od_flows")[0].bounds.l0 == 4
    assert few.of("od_flows")[0].bounds.linf == 1


def test_what_needs_every_key_is_refused_or_left_out(town: Town) -> None:
    thresholded(town)
    names = {one.name for one in plan(town.spec()).derived}
    assert "totals_presence" in names
    assert not names & {"od_persons", "kept_share", "totals_od_flows"}
    text = town.spec_file.read_text(encoding="utf-8")
    asked = '\n[[derived]]\ntable = "shares"\nof = "od_flows"\nover = "origin"\n'
    town.spec_file.write_text(text + asked, encoding="utf-8")
    with pytest.raises(SpecError, match=r"it needs every key of od_flows, of which keys = "):
        plan(town.spec())


@pytest.fixture
def flows(town: Town, counted: Counted) -> tuple[Town, Path]:
    """A release whose flows have a threshold; totals are known."""
    thresholded(town)
    return town, release(town.spec())


def test_only_released_cells_have_a_row_and_the_folder_says_what_the_others_are(
    flows: tuple[Town, Path], counted: Counted
) -> None:
    town, folder = flows
    assert verify_release(folder, ledger=town.ledger) == []
    found = read_release(folder, check=True)
    frame = found["od_flows"]
    least = frame.attrs["released_from"]
    assert (frame["value"] >= least).all()
    assert (frame["released_from"] == least).all()
    assert not (frame["origin"].astype(str) == frame["destination"].astype(str)).any()
    # 0, 3, 6 ... 105: cells far below the threshold are gone, those far above are there.
    zones = [str(zone) for zone in found.zones["zone"]]
    cells = [
        zones.index(o) * len(zones) + zones.index(d)
        for o, d in zip(frame["origin"].astype(str), frame["destination"].astype(str), strict=True)
    ]
    known = np.array(cells) * 3
    assert len(frame)
    assert np.abs(frame["value"] - known).max() < 8 * frame["sd"].max() + 1
    assert "od_flows" not in found.measured
    assert not (folder / "tables" / "od_flows.csv").exists()
    assert not (folder / "for_models" / "od_flows_biased.csv").exists()
    resource = next(
        r for r in found.dictionary["resources"] if r["path"] == "thresholded/od_flows.csv"
    )
    assert resource["released_from"] == least
    for text in (resource["absent_rows"], (folder / "README.md").read_text(encoding="utf-8")):
        assert "which is not 0" in " ".join(text.split())
    (told,) = found.privacy["guarantee"]["thresholded"]
    assert told["released_from"] == least
    assert Fraction(told["delta_per_date"]) > 0
    raw = found.measurements("od_flows")
    assert (raw["lattice"] / raw["factor"] == frame["value"]).all()


def test_the_ledger_is_charged_rho_and_delta(flows: tuple[Town, Path]) -> None:
    town, _ = flows
    made = plan(town.spec())
    with Ledger.open(town.ledger) as ledger:
        spent = {spend.table: spend.loss for spend in ledger.spends()}
    assert spent["od_flows"] == made.of("od_flows")[0].cost
    assert spent["od_flows"].delta > 0
    assert spent["presence"].delta == 0
    assert made.new == ()
    assert all(isinstance(one.mechanism, Threshold) for one in made.of("od_flows"))


def test_asked_again_it_is_recalled_and_never_drawn_twice(
    flows: tuple[Town, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    town, folder = flows
    before, spent = bytes_of(folder), town.spent()
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
    monkeypatch.setattr(run, "measure_sparse", None)
    monkeypatch.setattr(run, "count", None)
    assert bytes_of(release(town.spec())) == before
    assert town.spent() == spent


def test_stopped_after_the_draw_it_is_finished_from_the_store(
    town: Town, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    thresholded(town)
    real = run.derive
    monkeypatch.setattr(run, "derive", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        release(town.spec())
    spent = town.spent()
    monkeypatch.setattr(run, "derive", real)
    town.drop_data()
    folder = release(town.spec())
    assert verify_release(folder, ledger=town.ledger) == []
    assert town.spent() == spent
    assert len(counted) == 1, "the records were read again"


def test_sums_and_draws_of_released_cells_are_refused(flows: tuple[Town, Path]) -> None:
    folder = flows[1]
    frame = read_release(folder)["od_flows"]
    with pytest.raises(AggregateError, match="released for being large"):
        aggregate(frame, by="origin")
    read = pd.read_csv(folder / "thresholded" / "od_flows.csv")
    with pytest.raises(AggregateError, match="released for being large"):
        aggregate(read, by="origin")
    with pytest.raises(ValueError, match="no plausible truth"):
        draws(folder, 1, tables=("od_flows",))
    assert "od_flows" not in next(draws(folder, 1))


def test_exports_hold_na_where_nothing_was_released(
    flows: tuple[Town, Path], tmp_path: Path
) -> None:
    folder = flows[1]
    frame = read_release(folder)["od_flows"]
    out = export(folder, to="r-mobility", out=tmp_path / "r")
    day = frame[frame["date"] == frame["date"].min()]
    matrix = pd.read_csv(min((out / "M").glob("*.csv")), dtype=str, keep_default_na=False)
    cells = matrix.drop(columns="origin").to_numpy().ravel()
    assert (cells != "NA").sum() == len(day)
    assert "0" not in set(cells)
    assert "which is not 0" in (out / "README.md").read_text(encoding="utf-8")
    for form in ("od-csv", "skmob", "geoparquet"):
        text = (export(folder, to=form, out=tmp_path / form) / "README.md").read_text("utf-8")
        assert "which is not 0" in text
    with pytest.raises(ExportError, match="holds no missing value"):
        export(folder, to="epydemix", out=tmp_path / "e")


@pytest.mark.usefixtures("counted")
def test_covidcast_says_that_a_zone_is_censored(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = np.arange(6, dtype=np.int64) * 100
    monkeypatch.setattr(KnownTotals, "listed", lambda *_: (np.arange(1, 6), known[1:]))
    visits = 'table = "visits"\nshare = 3'
    town.edit(visits, visits + '\nkeys = "threshold"\nbounding = "sampling"')
    town.edit_policy('cap_rho = "1/2"', 'cap_rho = "1/2"\ncap_delta = "1/100000"')
    town.create_ledger()
    folder = release(town.spec())
    zones = len(read_release(folder).zones)
    out = export(folder, to="covidcast", out=tmp_path / "c")
    rows = pd.read_csv(min(out.glob("*zone_visits.csv")), dtype=str, keep_default_na=False)
    assert len(rows) == zones
    gone = rows[rows["val"] == "NA"]
    assert 0 < len(gone) < zones
    assert set(gone["missing_val"]) == {"3"}


def test_the_report_names_the_table_and_does_not_draw_it(town: Town, counted: Counted) -> None:
    del counted
    thresholded(town)
    town.edit("report = false", "report = true")
    page = (release(town.spec()) / "report.html").read_text(encoding="utf-8")
    assert "od_flows is in thresholded/ and not on this page" in page
    assert "which is not 0" in page


def test_a_table_too_large_to_enumerate_is_released(
    town: Town, monkeypatch: pytest.MonkeyPatch, real_zones: Callable[..., object]
) -> None:
    monkeypatch.setattr(world, "zones_of", real_zones)
    shape = gpd.read_file(grid_of(town, cell_m=200)).union_all()
    inside = shape.representative_point()
    only_flows(town)
    commuters(town, people=300, origin=(inside.y, inside.x), shift=0.009)
    with pytest.raises(SpecError, match=r'Or write keys = "threshold" and bounding = "sampling"'):
        plan(town.spec())
    thresholded(town)
    made = plan(town.spec())
    assert made.of("od_flows")[0].keys.size > MAX_CELLS
    folder = release(town.spec())
    frame = read_release(folder)["od_flows"]
    (row,) = frame.itertuples()
    assert abs(row.value - 300) < 6 * row.sd
    assert row.value >= row.released_from > 1
    assert verify_release(folder, ledger=town.ledger) == []

"""Derived tables in a release: made unasked or asked for, told of, refused where they cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from release_town import KnownTotals, Town, bytes_of

from pipelines import read_release
from pipelines.errors import SourceError, SpecError
from pipelines.release.derived_rows import DERIVED_STATUSES
from pipelines.release.plan import plan
from pipelines.release.run import release

UNASKED = [
    *("crowding", "totals_od_flows", "totals_panel", "totals_presence", "totals_visits"),
]


@pytest.fixture
def folder(released: Town) -> Path:
    """A released folder, only to be read."""
    (made,) = released.releases.iterdir()
    return made


def _ask(town: Town, text: str) -> None:
    """Add text to the spec, before its [release] section."""
    town.edit("[release]", f"{text}\n\n[release]")


def _entry(**params: Any) -> str:
    lines = [f"{name} = {json.dumps(value)}" for name, value in params.items()]
    return "\n".join(["[[derived]]", *lines])


def test_tables_whose_needs_are_met_are_made_unasked_and_told_of(folder: Path) -> None:
    found = read_release(folder, check=True)
    assert found.manifest["derived"] == UNASKED
    assert list(found)[-len(UNASKED) :] == UNASKED
    readme = (folder / "README.md").read_text(encoding="utf-8")
    resources = {row["path"]: row for row in found.dictionary["resources"]}
    for name in UNASKED:
        told = resources[f"tables/{name}.csv"]
        assert told["bias"]
        assert told["interval"]
        assert f"- `{name}` from `{told['derived_from'][0]}`" in readme
        assert told["bias"] in readme
        frame = found[name]
        assert frame.attrs["layer"] == "derived"
        assert list(frame.columns)[-5:] == ["value", "sd", "lo95", "hi95", "status"]
        assert list(frame["status"].cat.categories) == list(DERIVED_STATUSES)
        keys = told["schema"]["primaryKey"]
        assert not frame.duplicated(keys).any()
    assert "derived" not in found.privacy["guarantee"]


def test_csv_and_parquet_hold_the_same_derived_rows(folder: Path) -> None:
    for name in UNASKED:
        frame = read_release(folder)[name]
        text = pd.read_csv(folder / "tables" / f"{name}.csv")
        assert text["value"].to_numpy() == pytest.approx(frame["value"].to_numpy(), nan_ok=True)
        assert text["hi95"].tolist() == frame["hi95"].tolist()
        assert text["status"].tolist() == frame["status"].astype(str).tolist()


def test_totals_of_bins_start_where_the_bins_do(folder: Path) -> None:
    found = read_release(folder)
    starts = found["presence"].drop_duplicates("bin")["bin_start"].tolist()
    city = found["totals_presence"].query("level == 'city'").iloc[: len(starts)]
    assert city["bin_start"].tolist() == starts


@pytest.mark.usefixtures("counted")
def test_derived_tables_cost_nothing_and_never_draw_again(town: Town) -> None:
    first = release(town.edit("report = false", "report = false\nderived = false"))
    assert read_release(first).manifest["derived"] == []
    spent = town.spent()
    second = release(town.edit("derived = false", "derived = true"))
    assert town.spent() == spent
    old, new = bytes_of(first), bytes_of(second)
    assert all(new[name] == old[name] for name in old if name.startswith("measurements/"))
    assert len(new) == len(old) + 2 * len(UNASKED)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"table": "share", "of": "visits"}, 'is no derived table. Did you mean "shares"?'),
        ({"table": "visits"}, "is measured, not derived. Write it under [[tables]]"),
        ({"table": "shares", "of": "visits", "ovre": "zone"}, 'Did you mean "over"?'),
        ({"table": "shares"}, "of is missing"),
    ],
)
def test_a_wrong_entry_is_refused_when_the_spec_is_loaded(
    town: Town, entry: dict[str, str], said: str
) -> None:
    _faulty(town, entry)
    with pytest.raises(SpecError) as fault:
        town.spec()
    assert said in str(fault.value)
    assert "derived[0]" in str(fault.value)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"table": "colocation"}, 'it needs presence_by_overnight. Add [[tables]] with table = "'),
        ({"table": "shares", "of": "trips_per_person"}, "it needs trips_per_person. Add"),
        ({"table": "shares", "of": "visit"}, "visit is no measured table"),
        ({"table": "shares", "of": "visits", "over": "bin"}, 'over = "bin" is no key of visits'),
        ({"table": "change_from_baseline", "of": "visits"}, "baseline = { start = 2026-02-02, day"),
    ],
)
def test_what_cannot_be_made_is_refused_by_the_plan_with_what_to_add(
    town: Town, entry: dict[str, str], said: str
) -> None:
    _ask(town, _entry(**entry))
    with pytest.raises(SpecError) as fault:
        plan(town.spec())
    assert said in str(fault.value)
    assert "derived[0]" in str(fault.value)


def _faulty(town: Town, entry: dict[str, str]) -> None:
    text = town.spec_file.read_text(encoding="utf-8")
    changed = text.replace("[release]", f"{_entry(**entry)}\n\n[release]")
    town.spec_file.write_text(changed, encoding="utf-8")


@pytest.mark.usefixtures("counted")
def test_importation_follows_its_public_file_and_only_its_content_is_public(town: Town) -> None:
    zones = plan(town.spec()).world.zones.ids
    file = town.folder / "prevalence.csv"
    file.write_text(_prevalence(zones, 0.01), encoding="utf-8")
    _ask(town, _entry(table="importation", prevalence="prevalence.csv", weight=10.0))
    first = read_release(release(town.spec()))
    flows = first["od_flows"].query("date == '2026-03-02'")
    due = 0.1 * flows.groupby("destination", observed=True)["value"].sum()
    rows = first["importation"].query("date == '2026-03-02'")
    expected = rows[rows["measure"] == "expected"]
    assert expected["value"].tolist() == pytest.approx(due.tolist())
    risk = rows[rows["measure"] == "risk"]["value"].to_numpy()
    assert risk == pytest.approx(1 - np.exp(-expected["value"].to_numpy()))
    assert "prevalence.csv" not in json.dumps(first.manifest)
    file.write_text(_prevalence(zones, 0.02), encoding="utf-8")
    second = read_release(release(town.spec()))
    assert second.id != first.id
    assert town.spent() == len(first.measured) * 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace(",sd\n", ",error\n"), "has no column sd"),
        (lambda text: "".join(text.splitlines(keepends=True)[:-1]), "has no row for zone"),
        (lambda text: text.replace(",0.01,", ",1.5,", 1), "line 2: prevalence must be a part"),
        (lambda text: text.replace(",0.01,", ",much,", 1), "line 2 of the prevalence file"),
    ],
)
def test_a_prevalence_file_is_checked_before_anything_is_charged(
    town: Town, change: Any, said: str
) -> None:
    text = _prevalence(plan(town.spec()).world.zones.ids, 0.01)
    (town.folder / "prevalence.csv").write_text(change(text), encoding="utf-8")
    _ask(town, _entry(table="importation", prevalence="prevalence.csv", weight=10.0))
    with pytest.raises(SpecError, match=said):
        plan(town.spec())


def test_a_public_file_that_changed_after_loading_is_refused(town: Town) -> None:
    file = town.folder / "prevalence.csv"
    file.write_text(_prevalence(plan(town.spec()).world.zones.ids, 0.01), encoding="utf-8")
    _ask(town, _entry(table="importation", prevalence="prevalence.csv", weight=10.0))
    spec = town.spec()
    file.write_text("zone,prevalence,sd\n", encoding="utf-8")
    with pytest.raises(SourceError, match="not the text that it was"):
        plan(spec)


def _prevalence(zones: tuple[str, ...], value: float) -> str:
    return "zone,prevalence,sd\n" + "".join(f"{zone},{value},0.001\n" for zone in zones)


def test_a_baseline_comes_from_an_earlier_release_folder(
    town: Town, counted: list[KnownTotals]
) -> None:
    before = release(town.edit("days = 2 }", "days = 28 }"))
    town.edit("start = 2026-03-02, days = 28 }", "start = 2026-03-30, days = 2 }")
    _ask(town, _entry(table="change_from_baseline", of="visits", max_half_width=50.0))
    _ask(town, f'[history]\nfolders = ["releases/{before.name}"]')
    found = read_release(release(town.spec()), check=True)
    rows = found["change_from_baseline_visits"]
    assert rows["date"].dt.day.unique().tolist() == [30, 31]
    base, now = read_release(before), found
    monday = [2, 9, 16, 23]
    usual = np.mean([_rate(base, day) for day in monday], axis=0)
    due = 100 * (_rate(now, 30) / usual - 1)
    assert rows["value"].to_numpy()[: len(due)] == pytest.approx(due)
    assert before.name not in json.dumps(found.manifest["spec"])
    assert len(counted) == 2


def _rate(found: Any, day: int) -> np.ndarray:
    visits, panel = (found[name][found[name]["date"].dt.day == day] for name in ("visits", "panel"))
    rate: np.ndarray = visits["value"].to_numpy() / panel["value"].sum()
    return rate


@pytest.mark.usefixtures("counted")
def test_a_release_of_another_epoch_is_no_baseline(town: Town) -> None:
    before = release(town.edit("days = 2 }", "days = 28 }"))
    town.edit("start = 2026-03-02, days = 28 }", "start = 2026-03-30, days = 2 }")
    town.edit("cap = 4\n\n# Trips", "cap = 3\n\n# Trips")
    _ask(town, _entry(table="change_from_baseline", of="visits"))
    _ask(town, f'[history]\nfolders = ["releases/{before.name}"]')
    with pytest.raises(SpecError, match=r"cannot serve: visits has another cap there"):
        plan(town.spec())
    town.edit("cap = 3\n\n# Trips", "cap = 4\n\n# Trips")
    assert plan(town.spec()).derived
    town.edit("min_dwell_minutes = 20", "min_dwell_minutes = 30")
    with pytest.raises(SpecError, match="its traces differ from this spec's"):
        plan(town.spec())


def test_a_history_that_is_no_release_is_refused(town: Town) -> None:
    with pytest.raises(SpecError, match="is not the folder of one release"):
        _ask(town, '[history]\nfolders = ["pings"]')


def test_rows_about_a_place_in_a_declared_outage_are_partial(
    town: Town, counted: list[KnownTotals], monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr(KnownTotals, "vector", _many(KnownTotals.vector))
    dark = plan(town.spec()).world.zones.ids[0]
    text = f"zone,from,to\n{dark},2026-03-02T09:00,2026-03-02T11:00\n"
    (town.folder / "outages.csv").write_text(text, encoding="utf-8")
    _ask(town, _entry(table="shares", of="visits"))
    _ask(town, '[outages]\nfile = "outages.csv"')
    before = release(town.edit("days = 2 }", "days = 28 }"))
    found = read_release(before)
    shares = found["shares_visits"]
    partial = shares[shares["status"] == "partial"]
    assert set(zip(partial["date"].dt.day, partial["zone"].astype(str), strict=True)) == {(2, dark)}
    city = found["totals_visits"].query("level == 'city'")
    assert (city["status"] == "partial").tolist() == [True] + [False] * 27
    # a Monday that compares itself with the dark one is partial in that zone; a Tuesday is not
    town.edit("start = 2026-03-02, days = 28 }", "start = 2026-03-30, days = 2 }")
    _ask(town, _entry(table="change_from_baseline", of="visits", per_active=False))
    _ask(town, f'[history]\nfolders = ["releases/{before.name}"]')
    change = read_release(release(town.spec()))["change_from_baseline_visits"]
    partial = change[change["status"] == "partial"]
    assert set(zip(partial["date"].dt.day, partial["zone"].astype(str), strict=True)) == {
        (30, dark)
    }


def test_large_tables_are_made_only_when_they_are_asked_for(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [one.name for one in plan(town.spec()).derived] == UNASKED
    monkeypatch.setattr("pipelines.release.derived_plan.MAX_UNASKED_ROWS", 20)
    assert "crowding" not in [one.name for one in plan(town.spec()).derived]
    _ask(town, _entry(table="crowding"))
    assert "crowding" in [one.name for one in plan(town.spec()).derived]


def _many(known: Any) -> Any:
    """Return totals with so many visits that no share of them is unbounded."""

    def vector(self: KnownTotals, table: str, day: int, size: int) -> Any:
        found = known(self, table, day, size)
        return found + 4096 * 1000 if table == "visits" else found

    return vector

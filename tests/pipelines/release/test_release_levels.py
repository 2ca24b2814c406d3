"""Tables at several levels, end to end: charges, consistent files, sums, layers and refusals."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from release_town import KnownEngine, Town
from typer.testing import CliRunner

from dp.ledger import Ledger
from pipelines import aggregate, draws, read_release
from pipelines.cli.app import app
from pipelines.errors import SpecError
from pipelines.release import run, totals
from pipelines.release.aggregate import AggregateError
from pipelines.release.plan import allotments, plan
from pipelines.release.read import Release
from pipelines.spec import load_spec
from pipelines.tables import TABLES
from pipelines.twin import CitySettings, make_city

R_FILE = Path(__file__).parents[3] / "r" / "murmuration.R"
NAMES = ("panel", "presence", "visits", "od_flows")
KEYS = {
    "panel": ["overnight", "observed_hours"],
    "presence": ["bin", "zone"],
    "visits": ["zone"],
    "od_flows": ["origin", "destination"],
}


def command(*words: str | Path) -> str:
    """Run a command as a user would; return what it printed."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return str(result.output)


def without_parents(town: Town) -> None:
    """Let a town's zones name no parents."""
    town.edit("parent = ", "# parent = ")
    zones = town.folder / "zones.geojson"
    zones.write_text(zones.read_text(encoding="utf-8") + "\n", encoding="utf-8")


def at_levels(town: Town, levels: str = "levels = true") -> None:
    """Measure every table of a town at several levels."""
    for name in NAMES:
        town.edit(f'table = "{name}"', f'table = "{name}"\n{levels}')


@pytest.fixture(scope="module")
def home(model_town: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town whose release at three levels is made, only to be read."""
    folder = tmp_path_factory.mktemp("levels")
    shutil.copytree(model_town, folder / "town")
    town = Town(folder / "town")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MURMURATION_ANCHORS", str(folder / "anchors"))
        patch.setattr(totals, "engine_of", lambda _name: KnownEngine())
        town.create_ledger()
        at_levels(town)
        town.edit("[release]", '[estimates]\nweights = "panel"\n\n[release]')
        run.release(town.spec())
        yield town


@pytest.fixture
def release(home: Town) -> Release:
    (folder,) = home.releases.iterdir()
    return read_release(folder, check=True)


def parents(release: Release) -> dict[str, str]:
    zones = release.zones
    return dict(zip(zones["zone"].astype(str), zones["parent"].astype(str), strict=True))


def lifted(release: Release, name: str, level: str) -> pd.DataFrame:
    """Rows of tables/ with the labels of a level in their zone columns."""
    frame, above = release[name].copy(), parents(release)
    for key in ("overnight", "zone", "origin", "destination"):
        if key in frame.columns:
            ids = frame[key].astype(str)
            frame[key] = ids.map(above if level == "parent" else dict.fromkeys(above, "all"))
            frame[key] = frame[key].fillna(ids)
    return frame


def test_the_levels_of_a_table_cost_its_rho_and_no_more(home: Town) -> None:
    planned = plan(home.spec())
    allotted = allotments(planned.spec, planned.policy)
    with Ledger.open(home.ledger) as ledger:
        spends = ledger.spends()
    for name in NAMES:
        for leaf in planned.of(name):
            own = planned.at(leaf)
            assert [one.level for one in own] == ["zone", "parent", "city"]
            parts = [one.allotted.value / allotted[name].value for one in own]
            assert parts == [Fraction(3, 5), Fraction(1, 4), Fraction(3, 20)]
            spent = sum(
                s.loss.rho.value for s in spends if (s.table, s.reads) == (name, (leaf.date,))
            )
            assert spent == sum(one.cost.rho.value for one in own) <= allotted[name].value
    assert len({one.charge.key for one in planned.measurements}) == len(planned.measurements)
    assert len(spends) == len(planned.measurements) == 2 * 4 * 3
    assert planned.rate.rho.value <= Fraction(1, 60)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", ["parent", "city"])
def test_every_coarser_row_is_exactly_the_sum_of_its_cells(
    release: Release, name: str, level: str
) -> None:
    rows = release[f"totals_{name}"]
    rows = rows[rows["level"] == level].astype({key: str for key in KEYS[name] if key != "bin"})
    sums = lifted(release, name, level).groupby(["date", *KEYS[name]], observed=True, sort=False)
    both = rows.merge(
        sums["value"]
        .sum()
        .rename("due")
        .reset_index()
        .astype({key: str for key in KEYS[name] if key != "bin"}),
        on=["date", *KEYS[name]],
    )
    assert len(both) == len(rows) > 0
    assert both["value"].to_numpy() == pytest.approx(both["due"].to_numpy(), rel=1e-9)
    raw = release[name]["value"].to_numpy() * 2**16
    assert (raw == np.round(raw)).all(), "sums of published values are exact in floats"


@pytest.mark.parametrize("name", NAMES)
def test_sums_by_aggregate_have_the_sd_of_the_published_levels(release: Release, name: str) -> None:
    for level in ("parent", "city"):
        frame = lifted(release, name, level)
        original = release[name]
        for key in KEYS[name]:
            if key not in {"bin", "observed_hours"}:
                original = original.assign(**{f"{key}_above": frame[key].astype(str)})
        by = ["date", *(f"{k}_above" if f"{k}_above" in original else k for k in KEYS[name])]
        sums = aggregate(original, by)
        rows = release[f"totals_{name}"]
        rows = rows[rows["level"] == level].copy()
        for key in KEYS[name]:
            rows[f"{key}_above"] = rows[key].astype(str) if key != "bin" else rows[key]
        both = sums.merge(rows, on=by, suffixes=("", "_due"))
        assert len(both) == len(rows)
        assert both["sd"].to_numpy() == pytest.approx(both["sd_due"].to_numpy(), rel=1e-6)
        assert both["lo95"].to_numpy() == pytest.approx(both["lo95_due"].to_numpy(), rel=1e-5)


def test_the_city_is_far_more_precise_than_its_cells_would_add_up_to(release: Release) -> None:
    city = release["totals_od_flows"].query("level == 'city'")
    raw = release.measurements("od_flows")
    cells = raw[raw["noise"].astype(str) != "none"].groupby("date", observed=True)
    independent = cells.apply(
        lambda rows: float(np.sqrt(((rows["scale"] / rows["factor"]) ** 2).sum()))
    )
    assert (city["sd"].to_numpy() < 0.6 * independent.to_numpy()).all()
    assert (release["od_flows"].query("sd > 0")["sd"].max()) < (raw["scale"] / raw["factor"]).max()


def test_values_are_unbiased_for_the_known_totals_at_every_level(release: Release) -> None:
    scores = []
    for name in NAMES:
        factor = int(release.measurements(name)["factor"].iloc[0])
        for level in (None, "parent", "city"):
            frame = release[name] if level is None else lifted(release, name, level)
            known = release[name].groupby("date", observed=True).cumcount() * 3.0
            known += (release[name]["date"] - release[name]["date"].min()).dt.days
            known[release[name]["status"] == "structural_zero"] = 0.0
            frame = frame.assign(known=known / factor, value=release[name]["value"])
            if level is None:
                error, sd = frame["value"] - frame["known"], frame["sd"]
            else:
                sums = frame.groupby(["date", *KEYS[name]], observed=True, sort=True)
                error = (sums["value"].sum() - sums["known"].sum()).reset_index(drop=True)
                rows = release[f"totals_{name}"]
                rows = rows[rows["level"] == level]
                plain = {k: str for k in KEYS[name] if k != "bin"}
                sd = (
                    rows.astype(plain)
                    .sort_values(["date", *KEYS[name]])["sd"]
                    .reset_index(drop=True)
                )
            scores += (error[sd > 0] / sd[sd > 0]).tolist()
    assert abs(np.mean(scores)) < 4 / np.sqrt(len(scores))
    assert 0.9 < np.std(scores) < 1.1


def test_trips_within_a_district_count_though_none_leads_from_a_zone_to_itself(
    release: Release,
) -> None:
    rows = release["totals_od_flows"].query("level == 'parent'")
    inside = rows[rows["origin"].astype(str) == rows["destination"].astype(str)]
    assert (inside["sd"] > 0).all()
    assert set(inside["status"].astype(str)) <= {"ok", "low_precision"}
    raw = release.measurements("od_flows", "parent")
    assert (raw["noise"].astype(str) == "discrete_gaussian").all()
    own = release["od_flows"].query("origin == destination")
    assert (own["status"].astype(str) == "structural_zero").all()
    assert not own["value"].any()


@pytest.mark.parametrize("name", NAMES)
def test_a_table_without_its_levels_is_not_summed(release: Release, name: str, home: Town) -> None:
    frame = release[name].copy()
    frame.attrs = {}
    with pytest.raises(AggregateError, match=r"levels = release\.levels"):
        aggregate(frame, "date")
    sums = aggregate(frame, "date", levels=release.levels(name))
    assert sums["sd"].to_numpy() == pytest.approx(aggregate(release[name], "date")["sd"].to_numpy())
    if name == "presence":
        one = release[name].query("bin == 1").drop_duplicates("date")
        with pytest.raises(AggregateError, match="keep all key columns"):
            aggregate(one.drop(columns="zone"), "date")


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r_sums_rows_that_share_noise_as_python_does(release: Release, tmp_path: Path) -> None:
    out = tmp_path / "sums.csv"
    script = f"""
    source("{R_FILE}")
    folder <- "{release.folder}"
    flows <- mm_read(folder, "od_flows")
    one <- mm_aggregate(flows, by = c("date", "origin"))
    part <- flows[as.integer(flows$origin) <= 4, ]
    two <- mm_aggregate(part, by = "date", levels = mm_levels(folder, "od_flows"))
    three <- mm_aggregate(mm_read(folder, "presence"), by = "date")
    figures <- c("rows", "value", "sd", "lo95", "hi95", "status")
    write.csv(rbind(one[figures], two[figures], three[figures]), "{out}", row.names = FALSE)
    attr(part, "levels") <- NULL
    stopifnot(inherits(try(mm_aggregate(part), silent = TRUE), "try-error"))
    """
    subprocess.run(["Rscript", "-e", script], check=True, capture_output=True, text=True)
    flows = release["od_flows"]
    part = flows[flows["origin"].cat.codes < 4]
    due = pd.concat(
        [
            aggregate(flows, ["date", "origin"]),
            aggregate(part, "date"),
            aggregate(release["presence"], "date"),
        ]
    )
    found = pd.read_csv(out)
    for name in ("rows", "value", "sd", "lo95", "hi95"):
        assert found[name].to_numpy() == pytest.approx(due[name].to_numpy())
    assert found["status"].tolist() == due["status"].tolist()


def test_layers_keep_the_published_totals(release: Release) -> None:
    for name in NAMES:
        whole = release[name].groupby("date", observed=True)["value"].sum()
        coarse = release.coarse(name)
        assert coarse["value"].sum() == pytest.approx(whole.sum(), rel=1e-9)
        both = release.estimates(name)["pop_value"] / release.estimates(name)["weight"]
        told = np.isfinite(both) & (release[name]["status"] != "structural_zero")
        assert both[told].to_numpy() == pytest.approx(release[name]["value"][told].to_numpy())
    city = release.coarse("visits").query("place == 'city' and from_date == to_date")
    totals_ = release["totals_visits"].query("level == 'city'").set_index("date")["sd"]
    for row in city.itertuples():
        assert row.sd == pytest.approx(totals_[row.from_date], rel=1e-6)


def test_plausible_truths_have_the_city_s_own_spread(release: Release) -> None:
    def bin_10(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[(frame["date"] == frame["date"].min()) & (frame["bin"] == 10)]

    city = bin_10(release["totals_presence"].query("level == 'city'")).iloc[0]
    drawn = draws(release, 80, seed=2, tables=["presence"])
    sums = [bin_10(one["presence"])["value"].sum() for one in drawn]
    assert np.mean(sums) == pytest.approx(city["value"], abs=5 * city["sd"] / np.sqrt(80))
    assert np.std(sums) == pytest.approx(city["sd"], rel=0.3)


def test_documents_and_plan_tell_of_levels(home: Town, release: Release) -> None:
    text = (release.folder / "README.md").read_text(encoding="utf-8")
    for words in ("share noise", "`levels/*.csv`", "Level city (all zones)", "`totals_visits`"):
        assert words in text
    told = {one["path"] for one in release.dictionary["resources"]}
    assert {"levels/visits.csv", "measurements/visits_city.parquet"} <= told
    assert told >= {
        name for name in release.manifest["files"] if name.endswith((".csv", ".parquet"))
    }
    (visits,) = [t for t in release.privacy["guarantee"]["tables"] if t["table"] == "visits"]
    assert [one["level"] for one in visits["levels"]] == ["zone", "parent", "city"]
    parts = [Fraction(one["rho"]) for one in visits["levels"]]
    assert sum(parts) == Fraction(visits["rho_per_date"])
    planned = plan(home.spec()).rows()
    rows = [row for row in planned if row["table"] == "visits"]
    assert [row["level"] for row in rows] == ["zone", "parent", "city"]
    for row, one in zip(rows, visits["levels"], strict=True):
        assert row["sd"] == pytest.approx(one["consistent_sd"])
    shown = command("plan", home.spec_file)
    assert "at parent level" in shown
    assert "consistent" in shown


def test_asked_again_the_release_is_the_same_folder_at_no_cost(home: Town) -> None:
    spent = home.spent()
    assert run.release(home.spec()) == next(home.releases.iterdir())
    assert home.spent() == spent


def test_a_release_through_the_command_line_at_levels(town: Town) -> None:
    at_levels(town, 'levels = { zone = "0.8", city = "0.2" }')
    command("release", town.spec_file)
    (folder,) = town.releases.iterdir()
    command("verify", folder)
    made = read_release(folder, check=True)
    assert set(made.levels("visits")["level"]) == {"city"}
    rows = made["totals_visits"].query("level == 'parent'")
    sums = aggregate(made["visits"], "date")
    assert rows.groupby("date", observed=True)["value"].sum().to_numpy() == pytest.approx(
        sums["value"].to_numpy()
    )
    assert (made["visits"]["sd"] > 0).all()


def test_levels_that_need_no_budget_split_leave_other_charges_as_they_were(town: Town) -> None:
    before = {m.table: m.charge.key for m in plan(town.spec()).measurements}
    town.edit('table = "visits"', 'table = "visits"\nmax_sd = 500.0\nlevels = false')
    assert {m.table: m.charge.key for m in plan(town.spec()).measurements} == before
    town.edit("levels = false", "levels = true")
    after = plan(town.spec())
    assert {m.charge.key for m in after.of("panel")} <= {m.charge.key for m in after.measurements}
    assert before["presence"] in {m.charge.key for m in after.measurements}
    assert before["visits"] not in {m.charge.key for m in after.measurements}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("", "", "name no parents. Write parent under [zones]"),
        (
            'table = "visits"',
            'table = "visits"\nlevels = { zone = "1/2", city = "1/4" }',
            'zone = "3/4"',
        ),
        (
            'table = "visits"',
            'table = "visits"\nlevels = { zone = 0.6, city = "0.4" }',
            'zone = "3/5"',
        ),
        ('table = "visits"', 'table = "visits"\nlevels = { district = "1" }', "is no level"),
        ('table = "visits"', 'table = "visits"\nlevels = { city = "1" }', "levels has no zone"),
        ('table = "visits"', 'table = "visits"\nlevel_caps = { city = 4 }', "not measured here"),
    ],
)
def test_levels_that_cannot_be_are_refused_with_what_would_do(
    town: Town, old: str, new: str, words: str
) -> None:
    if not old:
        town.edit('table = "panel"', 'table = "panel"\nlevels = true')
        without_parents(town)
    with pytest.raises(SpecError) as caught:
        plan(town.edit(old, new) if old else town.spec())
    assert words in str(caught.value)
    assert "tables[" in str(caught.value)


def test_the_numbers_of_a_refusal_for_noise_work(town: Town) -> None:
    with pytest.raises(SpecError) as caught:
        plan(town.edit('table = "visits"', 'table = "visits"\nmax_sd = 20.0\nlevels = true'))
    said = str(caught.value)
    assert "more than max_sd = 20" in said
    share = said.partition('share = "')[2].partition('"')[0]
    rho = said.partition('rho_per_date = "')[2].partition('"')[0]
    assert "levels = false" not in said, "zones alone would still be too noisy"
    text = town.spec_file.read_text(encoding="utf-8")
    town.edit("share = 3", f'share = "{share}"')
    assert plan(town.spec()).rows()
    town.spec_file.write_text(text, encoding="utf-8")
    town.edit("[series]", f'[series]\nrho_per_date = "{rho}"')
    assert plan(town.spec()).rows()


def test_zones_alone_are_named_where_they_would_keep_the_limit(town: Town) -> None:
    alone = plan(town.spec()).of("visits")[0].law.sd
    limit = f"max_sd = {alone * 1.01:.4f}"
    with pytest.raises(SpecError, match="levels = false"):
        plan(town.edit('table = "visits"', f'table = "visits"\n{limit}\nlevels = true'))
    plan(town.edit("levels = true", "levels = false"))


def test_a_derived_table_that_asks_for_a_level_that_is_not_there_is_refused(town: Town) -> None:
    without_parents(town)
    town.edit(
        "[release]",
        '[[derived]]\ntable = "change_from_baseline"\nof = "visits"\nlevel = "parent"\n\n[release]',
    )
    with pytest.raises(SpecError, match=r'Write parent under \[zones\], or level = "city"'):
        plan(town.spec())


def test_every_measured_table_over_zones_may_have_levels() -> None:
    assert all(table.levels for table in TABLES.values())


def test_the_report_s_city_has_the_sd_of_the_published_total(release: Release) -> None:
    from pipelines.report.contents import Contents
    from pipelines.report.totals import city_of

    contents = Contents(release)
    rows = release["totals_visits"].query("level == 'city'")
    (daily,) = [one for one in contents.daily if one.table == "visits"]
    assert [p.value for p in daily.points] == pytest.approx(rows["value"].tolist())
    assert [p.sd for p in daily.points] == pytest.approx(rows["sd"].tolist())
    layers = {layer.table: city_of(layer) for layer in contents.layers}
    for date, sd in enumerate(rows["sd"]):
        drawn = layers["visits"][date][0]
        assert drawn is not None
        assert drawn.sd == pytest.approx(sd)
    panel = release["totals_panel"].query("level == 'city' and overnight == 'all'")
    for date, (_, own) in enumerate(panel.groupby("date", observed=True)):
        drawn = layers["panel"][date][0]
        assert drawn is not None
        assert drawn.sd == pytest.approx(float(np.sqrt((own["sd"] ** 2).sum())))
    bins = release["totals_presence"].query("level == 'city'")
    second = layers["presence"][0][2]
    assert second is not None
    assert second.sd == pytest.approx(bins["sd"].iloc[1])
    told = [row.table for row in contents.precision]
    assert told.count("totals_visits") == 2


def test_pairs_of_12_zones_with_parents_are_at_levels_unasked(tmp_path: Path) -> None:
    start = dt.date(2026, 3, 2)
    settings = CitySettings(zones=12)
    city = make_city(tmp_path, people=1, days=1, start=start, seed=1, settings=settings)
    planned = plan(load_spec(city.spec, check_data=False))
    assert planned.levels("od_flows") == ("zone", "parent", "city")
    assert planned.levels("presence") == ("zone",)
    assert [one.level for one in planned.at(planned.of("od_flows")[0])] == list(
        planned.levels("od_flows")
    )


def test_smaller_caps_above_mean_less_noise_there_and_other_charges(town: Town) -> None:
    town.edit('table = "visits"', 'table = "visits"\nlevels = true')
    wide = {m.level: m for m in plan(town.spec()).measurements if m.table == "visits"}
    town.edit("levels = true", "levels = true\nlevel_caps = { city = 4 }")
    tight = {m.level: m for m in plan(town.spec()).measurements if m.table == "visits"}
    assert tight["city"].law.sd == pytest.approx(wide["city"].law.sd / 2, rel=1e-3)
    assert tight["zone"].law.sd == pytest.approx(wide["zone"].law.sd)
    # one factor for all levels: whoever the city's cap weighs down counts less in the zones too
    assert tight["zone"].charge.key != wide["zone"].charge.key


def test_what_an_earlier_release_measured_at_levels_is_consistent_again(
    home: Town, release: Release
) -> None:
    text = home.spec_file.read_text(encoding="utf-8")
    later = home.folder / "later.toml"
    text = text.replace("start = 2026-03-02", "start = 2026-03-04")
    text = text.replace("[estimates]", f'[history]\nfolders = ["{release.folder}"]\n\n[estimates]')
    later.write_text(text, encoding="utf-8")
    planned = plan(load_spec(later, check_data=False))
    for name in NAMES:
        rows = release[name]
        for date in planned.earlier.days[name]:
            best = planned.earlier.best(
                name, date.date, world=planned.world, params=planned.facts.tables[name]
            )
            due = rows[rows["date"] == pd.Timestamp(date.date)]
            assert best.cells().value.tolist() == due["value"].tolist()
            assert best.sd.tolist() == due["sd"].tolist()

"""``home``: one measurement over all dates, from the plan to the folder and what is made of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
from fractions import Fraction

import geopandas as gpd
import pytest
from release_town import START, KnownTotals, Town, bytes_of

from dp.errors import BudgetRefused, PolicyError
from dp.ledger import Ledger
from dp.loss import Rho
from pipelines import aggregate, draws, export, plan, read_release, release
from pipelines.cli.plan import span_lines
from pipelines.errors import SpecError
from pipelines.release.spans import meets

DATES = 16
LAST = START + dt.timedelta(days=DATES - 1)


def with_home(town: Town, *, days: int = DATES, more: str = "") -> None:
    entry = f'[[tables]]\ntable = "home"\nshare = 2\n{more}\n[[tables]]\n'
    town.edit("days = 2", f"days = {days}")
    text = town.spec_file.read_text(encoding="utf-8")
    town.spec_file.write_text(text.replace("[[tables]]\n", entry, 1), encoding="utf-8")


def test_a_plan_charges_every_date_at_replace_sensitivity(town: Town) -> None:
    with_home(town)
    planned = plan(town.spec())
    (one,) = planned.of("home")
    assert one.reads == tuple(START + dt.timedelta(days=i) for i in range(DATES))
    assert (one.date, one.charge.detail["from"]) == (LAST, START.isoformat())
    assert (one.bounds.l2_squared, one.bounds.l0, one.bounds.linf) == (2, 2, 1)
    # share 2 of 22; a window of 30 dates meets at most 3 spans of 16
    assert meets(30, DATES) == 3
    assert one.allotted == Rho(Fraction(2, 22) * Fraction(1, 60) * Fraction(30, 3))
    assert one.law.sd == pytest.approx((2 / (2 * float(one.allotted))) ** 0.5, rel=0.01)
    assert len(planned.measurements) == 1 + DATES * 4


def test_releases_back_to_back_stay_within_the_cap_and_no_tighter_than_they_must(
    town: Town,
) -> None:
    with_home(town)
    planned = plan(town.spec())
    over = planned.rate.over(30).rho.value
    assert Fraction(499, 1000) < over <= Fraction(1, 2)
    assert planned.rate.rho.value == over / 30
    one, single = planned.of("home")[0].cost.rho.value, planned.rate.date.rho.value
    assert planned.rate.over(1).rho.value == one + single
    assert planned.rate.over(2).rho.value == 2 * one + 2 * single
    told = {row["table"]: row for row in planned.rows()}
    assert (told["home"]["reads"], told["presence"]["reads"]) == (DATES, 1)


def test_at_several_levels_each_reads_all_dates_and_the_plan_says_what_they_cost_together(
    town: Town,
) -> None:
    with_home(town, more="levels = true")
    planned = plan(town.spec())
    own = [one for one in planned.measurements if one.table == "home"]
    assert len(own) == 3
    assert {(len(one.reads), one.bounds.l2_squared) for one in own} == {(DATES, 2)}
    whole = sum((one.cost.rho.value for one in own), Fraction(0))
    assert whole <= Fraction(2, 22) * Fraction(1, 60) * 10
    (line,) = span_lines(planned)
    assert f"reads all 16 dates: its rho {float(whole):.4f} counts in 45 windows of 30" in line
    assert "it fits: the tightest window holds rho" in line


def test_one_series_without_window_needs_no_replacement(town: Town) -> None:
    with_home(town)
    town.edit_policy("window_days = 30", 'window_days = "series"')
    town.edit("[series]", '[series]\nrho_per_date = "1/60"')
    planned = plan(town.spec())
    (one,) = planned.of("home")
    assert (one.bounds.l2_squared, one.bounds.l0) == (1, 1)
    assert one.allotted == Rho(Fraction(2, 22) * Fraction(1, 60) * DATES)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("monthly", 'id_rotation = "monthly", which names no date'),
        ("2026-03-09, 2026-06-01", "new identifiers begin on 2026-03-09, within"),
        (LAST.isoformat(), f"new identifiers begin on {LAST}"),
        ("2026-02-30", "names no date"),
    ],
)
def test_dates_between_which_identifiers_change_are_refused(
    town: Town, said: str, words: str
) -> None:
    town.edit_policy('id_rotation = "never"', f'id_rotation = "{said}"')
    plan(town.spec())  # tables of single dates do not mind
    with_home(town)
    with pytest.raises(SpecError, match=words):
        plan(town.spec())


@pytest.mark.parametrize("said", ["2026-03-02", "2026-02-01 and 2026-03-18", "never"])
def test_dates_between_two_rotations_are_planned(town: Town, said: str) -> None:
    town.edit_policy('id_rotation = "never"', f'id_rotation = "{said}"')
    with_home(town)
    assert len(plan(town.spec()).of("home")) == 1


def test_too_few_dates_and_an_epoch_within_are_refused_with_what_would_work(town: Town) -> None:
    with_home(town, days=13)
    with pytest.raises(SpecError, match=r"tables\[0\] \(home\): a home needs 14 .* days = 14"):
        plan(town.spec())
    town.edit("days = 13", "days = 16")
    town.edit("[series]", "[history]\nepochs = [2026-03-10]\n[series]")
    with pytest.raises(SpecError, match="a new epoch starts on 2026-03-10"):
        plan(town.spec())
    town.edit("epochs = [2026-03-10]", "epochs = [2026-03-02]")
    with pytest.raises(SpecError, match="min_nights must be a whole number from 14"):
        town.edit("share = 2", "share = 2\nmin_nights = 13")


def test_a_release_holds_it_once_and_every_layer_and_export_bears_it(
    town: Town, counted: list[KnownTotals]
) -> None:
    with_home(town)
    zones = plan(town.spec()).world.zones.ids
    rows = [
        f"{zones[0]},2026-03-01T00:00,2026-04-01T00:00",  # all dates
        f"{zones[1]},2026-03-09T00:00,2026-03-10T00:00",  # one of them
    ]
    (town.folder / "outages.csv").write_text("\n".join(["zone,from,to", *rows]) + "\n")
    town.edit("[series]", '[outages]\nfile = "outages.csv"\n[series]')
    made = read_release(release(town.spec()))
    assert len(counted) == 1
    frame = made["home"]
    assert len(frame) == 7
    assert set(frame["date"].dt.date) == {LAST}
    assert set(frame["from_date"].dt.date) == {START}
    # known totals of the last date are 15, 18, 21, ...
    assert ((frame["value"] - [15 + 3 * i for i in range(7)]).abs() < 6 * frame["sd"]).all()
    assert list(frame["status"][:2]) == ["no_data", "partial"]
    totals = made["totals_home"]
    (city,) = totals[totals["home"] == "all"].itertuples()
    assert (city.status, city.value) == ("partial", pytest.approx(frame["value"][:6].sum()))
    coarse = made.coarse("home")
    assert set(coarse["time"]) == {"all dates"}
    assert {START} == set(coarse["from_date"].dt.date)
    assert made.for_models("home")["biased_value"].min() >= 0
    assert "home" in next(draws(made, 1))
    assert aggregate(frame, by="date")["value"].iloc[0] == pytest.approx(frame["value"].sum())
    told = next(t for t in made.privacy["guarantee"]["tables"] if t["table"] == "home")
    assert told["reads"] == {"from": "2026-03-02", "to": "2026-03-17"}
    readme = (made.folder / "README.md").read_text(encoding="utf-8")
    assert "moves the table, which reads all 16 dates" in readme
    mapped = gpd.read_parquet(export(made.folder, to="geoparquet") / "home.parquet")
    assert mapped["value"].isna().tolist() == [True, *[False] * 6]  # no_data is not 0
    assert mapped.geometry.isna().tolist() == [*[False] * 6, True]  # unknown is nowhere
    assert str(mapped["from_date"].iloc[0]) == "2026-03-02"


def test_the_real_engine_counts_everyone_who_was_in_a_zone_once(town: Town) -> None:
    """The town's records are of 2 of the 14 dates: nobody has a home, and nobody is lost."""
    with_home(town, days=14)
    text = town.spec_file.read_text(encoding="utf-8")
    tables, end = text.index("[[tables]]"), text.index("[release]")
    only = '[[tables]]\ntable = "home"\n[[tables]]\ntable = "panel"\n'
    town.spec_file.write_text(text[:tables] + only + text[end:], encoding="utf-8")
    made = read_release(release(town.spec()))
    home = made["home"].set_index("home")
    unknown, sd = home["value"]["unknown"], home["sd"].iloc[0]
    assert (home["value"].drop("unknown").abs() < 6 * sd).all()
    by_date = made["panel"].groupby("date")["value"].sum()
    noise = sd + made["panel"]["sd"].iloc[0] * 40**0.5
    assert by_date.max() - 6 * noise < unknown < 300 * 1.1 + 6 * sd


def test_asked_again_it_costs_nothing_and_a_later_span_of_dates_is_another(
    town: Town, counted: list[KnownTotals]
) -> None:
    with_home(town)
    release(town.spec())
    spent = town.spent()
    release(town.spec())
    town.edit("days = 16", "days = 17")
    (one,) = plan(town.spec()).of("home")
    assert (town.spent(), one.charged, len(counted)) == (spent, False, 1)
    # the sixteen dates are paid; the new one and the home that reads all 17 would pass the cap
    with Ledger.open(town.ledger) as ledger:
        held = ledger.spends()
    assert len([s for s in held if s.table == "home" and len(s.reads) == DATES]) == 1


@pytest.mark.usefixtures("counted")
def test_a_later_rotation_is_added_and_holds_for_what_comes_after_it(town: Town) -> None:
    town.edit("[series]", '[series]\nrho_per_date = "1/200"')
    with_home(town)
    folder = release(town.spec())
    first = bytes_of(folder)
    later = LAST + dt.timedelta(days=3)
    town.edit("days = 16", "days = 20")
    stale = plan(town.spec())
    with Ledger.open(town.ledger) as ledger:
        policy = dataclasses.replace(ledger.policy, id_rotation=str(later))
        with pytest.raises(PolicyError, match=f"{LAST} is not after {LAST}"):
            ledger.amend(dataclasses.replace(policy, id_rotation=str(LAST)), "known too late")
        ledger.amend(policy, "the operator told us")
    spent = town.spent()
    for asked in (stale, town.spec()):
        with pytest.raises(SpecError, match=f"new identifiers begin on {later}, within"):
            release(asked)
    assert town.spent() == spent
    town.edit("days = 20", "days = 16")
    shutil.rmtree(folder)
    assert bytes_of(release(town.spec())) == first
    town.edit(f"start = {START}", f"start = {later}")
    made = read_release(release(town.spec()))
    assert str(later) in made.privacy["guarantee"]["attestation"]


def test_what_does_not_fit_beside_the_others_is_refused_before_anything_is_read(
    town: Town, counted: list[KnownTotals]
) -> None:
    with_home(town, days=20)
    town.edit("[series]", '[series]\nrho_per_date = "1/40"')
    release(town.spec())
    town.edit("start = 2026-03-02", "start = 2026-03-22")
    with pytest.raises(BudgetRefused):
        release(town.spec())
    assert len(counted) == 1

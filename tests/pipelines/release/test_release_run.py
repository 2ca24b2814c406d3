"""A release is drawn once, costs once, and is the same bytes whenever it is asked for."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
import stat
from pathlib import Path

import pytest
from release_town import START, KnownTotals, Town, bytes_of

from dp.errors import BudgetRefused, LedgerFault, PolicyMismatch
from dp.ledger import Ledger, verify
from dp.mechanisms import Mechanism
from pipelines import read_release, verify_release
from pipelines.errors import SourceError, VerifyError
from pipelines.progress import Progress
from pipelines.release import run as subject
from pipelines.release.folder import staging_of
from pipelines.release.plan import plan
from pipelines.release.run import release
from pipelines.tables import TABLES

pytestmark = pytest.mark.usefixtures("counted")
MEASUREMENTS = 2 * 4


def test_a_release_charges_every_measurement_once_and_settles(town: Town) -> None:
    folder = release(town.spec())
    assert folder == town.releases / "daily-mobility-garam-synthetic-0001"
    assert verify_release(folder, ledger=town.ledger) == []
    assert verify(town.ledger) == []
    with Ledger.open(town.ledger) as ledger:
        assert {one.state for one in ledger.reservations()} == {"settled"}
        assert len(ledger.spends()) == MEASUREMENTS
        assert ledger.settled(folder.name) is not None


def test_asked_again_it_is_returned_without_a_charge_or_a_record(
    town: Town, counted: list[KnownTotals]
) -> None:
    first = bytes_of(release(town.spec()))
    town.drop_data()
    assert bytes_of(release(town.spec())) == first
    assert len(counted) == 1
    assert town.spent() == MEASUREMENTS


def test_a_lost_folder_is_derived_again_to_the_same_bytes_without_the_data(
    town: Town, counted: list[KnownTotals]
) -> None:
    folder = release(town.spec())
    first = bytes_of(folder)
    town.drop_data()
    shutil.rmtree(folder)
    assert bytes_of(release(town.spec())) == first
    assert len(counted) == 1
    assert town.spent() == MEASUREMENTS
    assert verify_release(folder, ledger=town.ledger) == []


def test_a_lost_folder_is_the_same_even_after_later_releases(town: Town) -> None:
    folder = release(town.spec())
    first = bytes_of(folder)
    shutil.rmtree(folder)
    text = town.spec_file.read_text(encoding="utf-8")
    release(town.edit("start = 2026-03-02", "start = 2026-03-04"))
    town.spec_file.write_text(text, encoding="utf-8")
    assert bytes_of(release(town.spec())) == first


def test_what_is_published_is_what_was_counted_plus_noise_of_the_stated_law(town: Town) -> None:
    planned = plan(town.spec())
    found = read_release(release(planned), check=True)
    for one in planned.measurements:
        rows = found.measurements(one.table)
        rows = rows[rows["date"].dt.date == one.date]
        truth = KnownTotals(None).vector(one.table, one.day.index, one.keys.size)  # type: ignore[arg-type]
        off = (rows["lattice"].to_numpy() - truth)[one.keys.measured]
        assert abs(off).max() < 6 * one.law.scale
        assert (rows["lattice"].to_numpy()[~one.keys.measured] == 0).all()
    noise = found["presence"]["value"] - found.measurements("presence")["lattice"]
    assert (noise == 0).all()


def test_overlapping_dates_reuse_stored_measurements_for_nothing(
    town: Town, counted: list[KnownTotals]
) -> None:
    first = read_release(release(town.spec()))
    longer = read_release(release(town.edit("days = 2 }", "days = 3 }")))
    assert longer.id.endswith("-0002")
    assert town.spent() == 3 * 4
    assert counted[1].job.world.calendar.start == START + dt.timedelta(days=2)
    assert counted[1].job.world.calendar.days == 1
    for table in first.measured:
        old = first.measurements(table)
        new = longer.measurements(table)
        assert new["lattice"][: len(old)].tolist() == old["lattice"].tolist()


def test_another_title_is_a_new_release_of_the_same_measurements(
    town: Town, counted: list[KnownTotals]
) -> None:
    first = release(town.spec())
    second = release(town.edit('title = "Daily', 'title = "Weekly'))
    assert second.name == "weekly-mobility-garam-synthetic-0002"
    assert len(counted) == 1
    assert town.spent() == MEASUREMENTS
    assert (second / "tables/visits.csv").read_bytes() == (first / "tables/visits.csv").read_bytes()


def test_only_what_a_changed_spec_adds_is_charged_and_counted(
    town: Town, counted: list[KnownTotals]
) -> None:
    release(town.spec())
    release(town.edit("cap = 4\n\n# Trips", "cap = 3\n\n# Trips"))
    assert town.spent() == MEASUREMENTS + 2
    assert set(counted[1].job.statements) == {"visits"}
    assert counted[1].job.needs == TABLES["visits"].needs


def test_a_restatement_draws_anew_and_costs(town: Town) -> None:
    first = read_release(release(town.spec()))
    again = read_release(release(town.edit("days = 2 }", "days = 2 }\nissue = 1")))
    assert town.spent() == 2 * MEASUREMENTS
    assert again.id.endswith("-0002")
    old, new = (r.measurements("presence")["lattice"].tolist() for r in (first, again))
    assert old != new
    with Ledger.open(town.ledger) as ledger:
        assert float(ledger.windows(1).rho) == pytest.approx(2 / 60)


def test_a_budget_that_is_short_is_refused_before_anything_is_read_or_written(
    town: Town, counted: list[KnownTotals]
) -> None:
    town.edit_policy('cap_rho = "1/2"', 'cap_rho = "1/59"')
    town.create_ledger()
    spec = town.edit('policy = "policy.toml"', 'rho_per_date = "1/118"\npolicy = "policy.toml"')
    release(spec)
    town.edit('folder = "releases"', 'folder = "elsewhere"')
    town.edit('work = "work"', 'work = "private"')
    before = sorted(path.relative_to(town.folder) for path in town.folder.rglob("*"))
    with pytest.raises(BudgetRefused, match="short by"):
        release(town.edit("start = 2026-03-02", "start = 2026-03-04"))
    assert sorted(path.relative_to(town.folder) for path in town.folder.rglob("*")) == before
    assert len(counted) == 1
    assert town.spent() == MEASUREMENTS


def test_a_source_that_cannot_be_read_costs_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise SourceError("pings: no column named ts")

    monkeypatch.setattr(subject, "count", fail)
    with pytest.raises(SourceError):
        release(town.spec())
    assert town.spent() == 0
    assert list(town.releases.iterdir()) == []


def test_the_engine_s_files_are_removed_when_the_draw_fails(
    town: Town, counted: list[KnownTotals], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: Mechanism, _totals: object, **_more: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(Mechanism, "draw", fail)
        with pytest.raises(RuntimeError):
            release(town.spec())
    assert counted[0].closed
    release(town.spec())
    assert counted[1].closed


def test_a_plan_that_was_shown_is_the_plan_that_is_run(town: Town) -> None:
    planned = plan(town.spec())
    keys = [one.charge.key for one in planned.measurements]
    release(planned)
    with Ledger.open(town.ledger) as ledger:
        assert [one.key for one in ledger.reservations()] == keys


def test_a_plan_made_for_another_policy_is_refused(town: Town) -> None:
    town.edit_policy("ids_per_person_per_date = 1", "ids_per_person_per_date = 2")
    stale = plan(town.spec())
    policy = town.folder / "policy.toml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(
        text.replace("ids_per_person_per_date = 2", "ids_per_person_per_date = 1"), encoding="utf-8"
    )
    town.create_ledger()
    with pytest.raises(LedgerFault, match="plan again"):
        release(stale)
    assert town.spent() == 0


def test_after_an_amendment_old_measurements_keep_their_noise_and_cost_what_they_now_do(
    town: Town,
) -> None:
    folder = release(town.spec())
    first, before = bytes_of(folder), plan(town.spec())
    with Ledger.open(town.ledger) as ledger:
        unit = dataclasses.replace(ledger.policy.unit, ids_per_person_per_date=2)
        ledger.amend(dataclasses.replace(ledger.policy, unit=unit), "second phones were found")
    after = plan(town.spec())
    assert [one.law for one in after.measurements] == [one.law for one in before.measurements]
    assert float(after.rate.rho) == pytest.approx(4 * float(before.rate.rho))
    assert any("policy file differs" in warning for warning in after.warnings)
    shutil.rmtree(folder)
    assert bytes_of(release(town.spec())) == first, "what was published says what was true then"
    new = plan(town.edit("days = 2 }", "days = 3 }"))
    old_sd, new_sd = (new.of("presence")[i].law.sd for i in (0, 2))
    assert new_sd == pytest.approx(2 * old_sd)


def test_a_spec_that_restates_another_policy_is_refused(town: Town) -> None:
    with pytest.raises(PolicyMismatch, match="window_days"):
        release(town.edit('policy = "policy.toml"', 'window_days = 7\npolicy = "policy.toml"'))


def test_a_folder_that_was_changed_is_never_returned_as_sound(town: Town) -> None:
    folder = release(town.spec())
    (folder / "tables" / "visits.csv").write_text("value\n1\n", encoding="utf-8")
    with pytest.raises(VerifyError, match=r"tables/visits\.csv: changed.*Move it away"):
        release(town.spec())
    shutil.move(folder, town.folder / "aside")
    release(town.spec())
    assert verify_release(folder, ledger=town.ledger) == []
    assert town.spent() == MEASUREMENTS


def test_a_stranger_s_folder_of_the_same_name_is_left_alone(town: Town) -> None:
    stranger = town.releases / "daily-mobility-garam-synthetic-0001"
    stranger.mkdir(parents=True)
    (stranger / "theirs").write_text("x", encoding="utf-8")
    with pytest.raises(VerifyError, match="is in the way"):
        release(town.spec())
    assert bytes_of(stranger) == {"theirs": b"x"}
    with Ledger.open(town.ledger) as ledger:
        assert {one.state for one in ledger.reservations()} == {"reserved"}
    shutil.rmtree(stranger)
    release(town.spec())
    assert town.spent() == MEASUREMENTS


def test_what_killed_runs_of_this_ledger_left_staged_is_cleaned(town: Town) -> None:
    with Ledger.open(town.ledger) as ledger:
        own, other = (
            staging_of(town.releases / "old-0007", owner=owner) for owner in (ledger.id, "f" * 32)
        )
    for folder in (own, other):
        folder.mkdir(parents=True)
    release(town.spec())
    assert not own.exists()
    assert other.exists()


def test_modes_keep_work_private_and_the_release_readable(town: Town) -> None:
    folder = release(town.spec())
    assert stat.S_IMODE((town.folder / "work").stat().st_mode) == 0o700
    for path in [folder, *folder.rglob("*")]:
        wanted = 0o755 if path.is_dir() else 0o644
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_progress_hears_public_words_and_fractions_only(town: Town) -> None:
    heard: list[tuple[str, float]] = []

    class Ear:
        def at(self, step: str, fraction: float) -> None:
            heard.append((step, fraction))

    ear: Progress = Ear()
    release(town.spec(), progress=ear)
    assert {step for step, _ in heard} == {"Reading records", "Drawing noise", "Writing tables"}
    assert all(0 <= fraction <= 1 for _, fraction in heard)


def test_the_package_is_callable_under_its_own_name(town: Town) -> None:
    import pipelines

    folder: Path = pipelines.release(town.spec())
    assert folder.is_dir()

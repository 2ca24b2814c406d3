"""From a plan to a verified release, as a user goes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Edit = Callable[..., None]


def test_a_plan_is_free_and_needs_neither_data_nor_ledger(run: Any, city: Path) -> None:
    for path in (city / "pings").iterdir():
        path.unlink()
    text = run("plan")
    for table in ("panel", "presence", "visits", "od_flows"):
        assert table in text
    assert "95% half-width" in text
    assert "one person, 30 dates" in text
    assert "365 dates" in text
    assert "remains" in text
    assert "Next: murmuration ledger create city.ledger --policy policy.toml" in text
    assert max(len(line) for line in text.splitlines()) <= 100
    assert not (city / "city.ledger").exists()
    assert not (city / "work").exists()


def test_a_plan_as_json_holds_every_figure(run: Any, city: Path) -> None:
    plan = run.json("plan")
    assert [row["table"] for row in plan["tables"]] == ["panel", "presence", "visits", "od_flows"]
    for row in plan["tables"]:
        assert row["sd"] > 0
        assert row["half_width95"] > row["sd"]
    assert plan["unit"] == "one person, 30 dates"
    assert {one["dates"] for one in plan["guarantees"]} >= {1, 7, 30, 365}
    assert plan["remaining"]["window"] == "window of 30 dates"
    assert plan["remaining"]["dates_more"] == 28
    assert str(city) not in json.dumps(plan)


def test_two_specs_are_compared(run: Any, city: Path, edit: Edit) -> None:
    before = (city / "release.toml").read_text(encoding="utf-8")
    (city / "other.toml").write_text(before, encoding="utf-8")
    assert "Both specs say the same" in run("plan", "--diff", "other.toml")
    edit("cap = 4", "cap = 5", file="other.toml")
    text = run("plan", "--diff", "other.toml")
    assert "tables.visits.cap" in text
    assert run.json("plan", "--diff", "other.toml")["diff"] == [
        {"key": "tables.visits.cap", "this": 4, "other": 5}
    ]


def test_a_release_from_start_to_end(run: Any, city: Path) -> None:
    before = run.json("status")
    assert (before["state"], before["drawn"]) == ("no_ledger", 0)
    assert before["next"] == "murmuration ledger create city.ledger --policy policy.toml"

    assert "rho 1/2 for one person, 30 dates" in run("ledger", "create", "city.ledger")
    started = run.json("status")
    assert (started["state"], started["next"]) == (
        "not_started",
        "murmuration release release.toml",
    )

    text = run("release")
    (folder,) = (city / "releases").iterdir()
    assert folder.name in text
    assert "charged   rho" in text
    assert "murmuration verify releases" in text

    done = run.json("status")
    assert (done["state"], done["release"]) == ("complete", folder.name)
    assert done["drawn"] == done["measurements"] == 8
    assert "complete" in run("status")

    assert "sound" in run("verify", folder)
    assert "sound" in run("verify", folder, "--ledger", "city.ledger")
    assert run.json("verify", folder) == {"path": str(folder), "sound": True, "findings": []}
    assert "sound" in run("verify", "city.ledger")

    manifest = (folder / "manifest.json").read_bytes()
    again = run("release")
    assert "charged   nothing" in again
    assert (folder / "manifest.json").read_bytes() == manifest

    page = (folder / "report.html").read_bytes()
    assert "wrote" in run("report", folder)
    assert (city / "releases" / f"{folder.name}.html").read_bytes() == page
    run("report", folder, "--out", "page.html")
    assert (city / "page.html").read_bytes() == page
    (line,) = run.lines("report", folder, "--out", folder / "tables" / "page.html", code=2)
    assert "whose files are final" in line
    assert run.json("verify", folder)["sound"]

    text = run("budget", "city.ledger")
    assert "2026-03-02" in text
    assert folder.name in text
    statement = run.json("budget", "city.ledger")
    assert [row["date"] for row in statement["dates"]] == ["2026-03-02", "2026-03-03"]
    assert statement["policy"]["cap_rho"] == "1/2"

    _tampered(run, folder)


def _tampered(run: Any, folder: Path) -> None:
    table = next((folder / "tables").glob("*.csv"))
    table.write_bytes(table.read_bytes() + b"\n")
    findings = run.json("verify", folder, code=7)["findings"]
    assert any(table.name in finding for finding in findings)
    assert any(table.name in line for line in run.lines("verify", folder, code=7))


def test_a_spec_that_differs_from_the_policy_is_refused(run: Any, city: Path, edit: Edit) -> None:
    run("ledger", "create", "city.ledger")
    edit("[zones]", 'cap_rho = "1"\n[zones]')
    (line,) = run.lines("plan", code=4)
    assert 'cap_rho = "1", but the policy says "1/2"' in line


def test_a_plan_that_does_not_fit_is_refused_before_anything(
    run: Any, city: Path, edit: Edit
) -> None:
    run("ledger", "create", "city.ledger")
    edit("[zones]", 'rho_per_date = "1/4"\n[zones]')
    edit("report = true", "report = false")
    run("release")
    edit("days = 2", "days = 3")
    (line,) = run.lines("release", code=2)
    assert "more than the cap 1/2" in line
    edit("days = 3", "days = 1")
    edit("[series]", "issue = 1\n[series]")
    (line,) = run.lines("release", code=4)
    assert "short" in line


def test_missing_data_is_a_line_before_any_budget_is_spent(run: Any, city: Path) -> None:
    run("ledger", "create", "city.ledger")
    for path in (city / "pings").iterdir():
        path.unlink()
    (line,) = run.lines("release", code=2)
    assert 'sources[0]: path finds no file: "pings/*.parquet"' in line
    assert run.json("budget", "city.ledger")["dates"] == []


def test_a_ledger_is_made_once(run: Any, city: Path) -> None:
    run("ledger", "create", "city.ledger")
    (line,) = run.lines("ledger", "create", "city.ledger", code=5)
    assert "city.ledger" in line
    (line,) = run.lines("ledger", "create", "b.ledger", "--policy", "no.toml", code=2)
    assert "no.toml does not exist" in line


def test_a_policy_only_tightens(run: Any, city: Path, edit: Edit) -> None:
    run("ledger", "create", "city.ledger")
    (line,) = run.lines("ledger", "amend", "city.ledger", "--reason", "why", code=2)
    assert "in force already" in line
    edit('"1/2"', '"1/3"', file="policy.toml")
    amend = ("ledger", "amend", "city.ledger", "--policy", "policy.toml", "--reason", "Review")
    assert "rho 1/3" in run(*amend)
    assert run.json("budget", "city.ledger")["policy"]["cap_rho"] == "1/3"
    assert "Review" in run("budget", "city.ledger")
    edit('id_rotation = "never"', 'id_rotation = "2026-09-01"', file="policy.toml")
    assert "ids      are new on 2026-09-01" in run(*amend)
    assert run.json("budget", "city.ledger")["policy"]["id_rotation"] == "2026-09-01"
    edit("2026-09-01", "2026-09-02", file="policy.toml")
    (line,) = run.lines(*amend, code=2)
    assert "id_rotation no longer names 2026-09-01" in line
    edit("2026-09-02", "2026-09-01", file="policy.toml")
    edit('"1/3"', '"1/2"', file="policy.toml")
    (line,) = run.lines(*amend, code=2)
    assert "may only tighten" in line


def test_what_stands_in_brackets_is_printed_and_no_style(
    run: Any, city: Path, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = city / "towns [old][" / "b] [red]"
    assert '"towns [old][/b] [red]/release.toml"' in run("init", home)
    monkeypatch.chdir(home.parent)
    edit('id_rotation = "never"', 'id_rotation = "by [region] [/], in turn"', file="policy.toml")
    shutil.copy(city / "policy.toml", home)
    run("ledger", "create", "b] [red]/x.ledger", "--policy", "b] [red]/policy.toml")
    assert "ids rotate by [region] [/], in turn" in run("budget", "b] [red]/x.ledger")


def test_rotations_in_words_are_said_to_be_for_good(run: Any, city: Path, edit: Edit) -> None:
    run("ledger", "create", "city.ledger")
    edit('id_rotation = "never"', 'id_rotation = "2026-09-01, then [monthly]"', file="policy.toml")
    amend = ("ledger", "amend", "city.ledger", "--policy", "policy.toml", "--reason", "Told")
    said = run(*amend)
    assert 'in words ("2026-09-01, then [monthly]"): no table over several dates' in said
    edit(", then [monthly]", "", file="policy.toml")
    (line,) = run.lines(*amend, code=2)
    assert "words stay as they are" in line


def test_a_lost_anchor_is_refused_until_somebody_vouches(
    run: Any, city: Path, private_anchors: Path
) -> None:
    before = set(private_anchors.glob("*.anchor"))
    run("ledger", "create", "city.ledger")
    run.lines("ledger", "adopt", "city.ledger", "--reason", "none is lost", code=5)
    (anchor,) = set(private_anchors.glob("*.anchor")) - before
    anchor.unlink()
    (line,) = run.lines("budget", "city.ledger", code=5)
    assert "murmuration ledger adopt" in line
    run("ledger", "adopt", "city.ledger", "--reason", "Moved to another machine")
    assert "Moved to another machine" in run("budget", "city.ledger")


def test_what_was_reserved_and_never_drawn_can_be_given_back(run: Any, city: Path) -> None:
    from dp.ledger import Ledger, ReleaseKey
    from pipelines import load_spec
    from pipelines.release.plan import plan

    run("ledger", "create", "city.ledger")
    planned = plan(load_spec("release.toml"))
    with Ledger.open(Path("city.ledger")) as ledger:
        ledger.reserve(
            ReleaseKey(planned.digest, "abandoned"),
            [one.charge for one in planned.measurements],
            spans={one.day.date: (one.day.start_s, one.day.end_s) for one in planned.measurements},
        )
    assert run.json("status")["state"] == "unfinished"
    assert "to be finished" in run("status")
    assert "8 of 8 charges" in run("ledger", "void", "city.ledger", "abandoned-0001")
    assert run.json("budget", "city.ledger")["dates"] == []
    (line,) = run.lines("ledger", "void", "city.ledger", "nothing-0009", code=2)
    assert "has no release nothing-0009" in line


def test_a_folder_that_was_deleted_is_noticed(run: Any, city: Path, edit: Edit) -> None:
    edit("report = true", "report = false")
    run("ledger", "create", "city.ledger")
    run("release")
    shutil.rmtree(city / "releases")
    found = run.json("status")
    assert (found["state"], found["next"]) == ("folder_missing", "murmuration release release.toml")
    assert "charged   nothing" in run("release")
    assert run.json("status")["state"] == "complete"


def test_what_is_no_release_and_no_ledger_is_said_so(run: Any, city: Path) -> None:
    (line,) = run.lines("verify", "nowhere", code=7)
    assert "nowhere does not exist" in line
    (line,) = run.lines("report", city, code=7)
    assert "is no release folder" in line
    (line,) = run.lines("budget", "policy.toml", code=5)
    assert "policy.toml" in line
    (line,) = run.lines("budget", "no.ledger", code=5)
    assert "murmuration ledger create" in line


def test_a_paid_release_is_rebuilt_without_its_records(run: Any, city: Path) -> None:
    run("ledger", "create", "city.ledger")
    run("release")
    (folder,) = (city / "releases").iterdir()
    page = (folder / "report.html").read_bytes()
    shutil.rmtree(city / "pings")
    assert "nothing: every measurement was paid for" in run("release")
    shutil.rmtree(folder)
    assert "nothing: every measurement was paid for" in run("release")
    assert (folder / "report.html").read_bytes() == page


def test_a_release_that_needs_its_records_names_the_missing_ones(run: Any, city: Path) -> None:
    run("ledger", "create", "city.ledger")
    shutil.rmtree(city / "pings")
    (line,) = run.lines("release", code=2)
    assert "sources[0]" in line
    assert not (city / "releases").exists()

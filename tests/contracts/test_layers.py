"""The arrows of the architecture, and who may reach the door and the ledger."""

from __future__ import annotations

import pytest
from _tree import dotted, imports, modules, reachable

RANK = {
    "errors": 0,
    "progress": 0,
    "registry": 0,
    "schemas": 1,
    "ingest": 2,
    "zones": 2,
    "traces": 2,
    "tables": 2,
    "derived": 2,
    "estimates": 2,
    "models": 2,
    "coarse": 2,
    "engines": 3,
    "spec": 3,
    "release": 4,
    "report": 4,
    "exports": 4,
    "twin": 4,
    "audit": 4,
    "cli": 5,
}
LEDGER_COMMANDS = {
    "pipelines.cli.ledger",
    "pipelines.cli.demo",
}


def _area(name: str) -> str:
    return name.split(".")[1] if name.count(".") else ""


def test_dp_has_never_heard_of_pipelines() -> None:
    for path in modules("dp"):
        heard = [name for name in imports(path) if name.startswith("pipelines")]
        assert not heard, f"{dotted(path)} imports {heard}"


def test_every_area_has_a_rank() -> None:
    areas = {_area(dotted(path)) for path in modules("pipelines")} - {""}
    assert areas <= set(RANK)


def test_arrows_point_down() -> None:
    wrong = [
        f"{dotted(path)} -> {name}"
        for path in modules("pipelines")
        for name in imports(path)
        if _area(dotted(path)) and name.startswith("pipelines.") and _area(name) in RANK
        if RANK[_area(name)] > RANK[_area(dotted(path))]
    ]
    assert not wrong


def test_only_the_run_module_calls_the_door() -> None:
    callers = {
        dotted(path)
        for path in modules()
        if any(name.startswith("dp.measure") for name in imports(path, typing_only=False))
    }
    assert callers == {"pipelines.release.run"}


@pytest.mark.parametrize("write", ["reserve", "start_draw", "book_drawn", "settle"])
def test_only_the_run_module_and_the_door_write_draws_to_the_ledger(write: str) -> None:
    callers = {
        dotted(path)
        for path in modules()
        if f".{write}(" in path.read_text(encoding="utf-8")
        and not dotted(path).startswith("dp.ledger")
    }
    assert callers <= {"pipelines.release.run", "dp.measure"}


def test_pipelines_knows_the_ledger_by_its_public_names_alone() -> None:
    import dp.ledger

    public = {f"dp.ledger.{name}" for name in dp.ledger.__all__}
    asked = {n for p in modules("pipelines") for n in imports(p) if n.startswith("dp.ledger.")}
    assert asked, "nothing imports the ledger: this test would check nothing"
    assert asked <= public


def test_only_the_door_and_the_stage_of_the_audits_draw_noise() -> None:
    callers = {dotted(path) for path in modules() if ".draw(" in path.read_text(encoding="utf-8")}
    truths = {"pipelines.release.draws"}  # plausible truths by a public seed, no noise
    assert callers - truths == {"dp.measure", "dp.mechanisms.threshold", "pipelines.audit._stage"}


@pytest.mark.parametrize("start", ["pipelines.release.run", "pipelines.report.page", "dp.measure"])
def test_nothing_that_makes_a_release_can_reach_the_audits(start: str) -> None:
    reached = reachable(start, lazy=True)
    assert start in reached
    assert not {name for name in reached if name.startswith(("pipelines.audit", "dp.audits"))}


def test_an_audit_opens_neither_the_door_nor_opendp() -> None:
    paths = modules("pipelines/audit", "dp/audits")
    assert paths, "the audits are gone: this test would check nothing"
    for path in paths:
        heard = imports(path)
        assert not {n for n in heard if n.startswith(("dp.measure", "opendp", "dp.mechanisms._"))}


def test_planning_cannot_reach_the_data() -> None:
    reached = reachable("pipelines.release.plan", lazy=True)
    assert reached, "the plan module is gone: this test would check nothing"
    readers = {
        name
        for name in reached
        if name.startswith(("pipelines.engines.", "pipelines.ingest."))
        and name not in {"pipelines.ingest.source", "pipelines.engines.contract"}
    }
    assert not readers


def test_release_takes_no_noise_seed_or_debug_argument() -> None:
    import inspect

    import pipelines

    names = set(inspect.signature(pipelines.release).parameters)
    assert names, "release() has no parameters: this test would check nothing"
    assert not names & {
        "seed",
        "rng",
        "random_state",
        "noise",
        "scale",
        "debug",
        "dry_run",
        "mechanism",
    }

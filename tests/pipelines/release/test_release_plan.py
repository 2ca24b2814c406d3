"""A plan is free, exact and public; it cannot reach the records."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction

import pytest
from release_town import Town

from dp.ledger import Ledger
from dp.loss import Rho
from pipelines.release.charges import law_of
from pipelines.release.plan import allotments, plan


def test_shares_split_the_rho_of_a_date_exactly(town: Town) -> None:
    planned = plan(town.spec())
    parts = allotments(planned.spec, planned.policy)
    assert parts["panel"] == Rho.of("1/1200")
    assert parts["presence"] == Rho.of("9/1200")
    assert sum((part.value for part in parts.values()), Fraction(0)) == Fraction(1, 60)


def test_every_cost_is_the_map_s_answer_and_fits_what_was_allotted(town: Town) -> None:
    planned = plan(town.spec())
    assert len(planned.measurements) == 2 * 4
    for one in planned.measurements:
        allotted, cost = one.allotted.value, one.cost.rho.value
        assert cost <= allotted
        assert cost >= allotted * Fraction(999, 1000)
        assert one.cost.delta == 0
    assert planned.rate.rho.value <= Fraction(1, 60)


def test_the_noise_follows_the_textbook_within_a_percent(town: Town) -> None:
    for one in plan(town.spec()).measurements:
        textbook = (one.bounds.l2_squared / (2 * float(one.allotted))) ** 0.5 / one.law.factor
        assert one.law.sd == pytest.approx(textbook, rel=0.01)


def test_a_person_with_k_identifiers_gets_k_times_the_noise(town: Town) -> None:
    one = plan(town.spec()).of("presence")[0]
    town.edit_policy("ids_per_person_per_date = 1", "ids_per_person_per_date = 3")
    three = plan(town.spec()).of("presence")[0]
    assert three.bounds == one.bounds.times(3)
    assert three.law.sd == pytest.approx(3 * one.law.sd, rel=1e-6)
    assert three.cost.rho.value <= three.allotted.value


def test_without_a_ledger_the_policy_file_is_used_and_the_figures_are_the_same(town: Town) -> None:
    with_ledger = plan(town.spec())
    town.ledger.unlink()
    without = plan(town.spec())
    assert without.ledger is None
    assert without.rows() == with_ledger.rows()
    assert [m.charge for m in without.measurements] == [m.charge for m in with_ledger.measurements]
    assert any("no ledger yet" in warning for warning in without.warnings)


def test_planning_writes_nothing_and_needs_no_record(town: Town) -> None:
    town.drop_data()
    before = sorted(path.name for path in town.folder.iterdir())
    head = _head(town)
    plan(town.spec())
    assert sorted(path.name for path in town.folder.iterdir()) == before
    assert _head(town) == head


def test_planning_imports_neither_ingest_nor_an_engine(town: Town) -> None:
    script = (
        "import sys; from pipelines import load_spec, plan; "
        "plan(load_spec(sys.argv[1], check_data=False)); "
        "print([m for m in sys.modules if m.startswith(('duckdb', 'pipelines.engines.duckdb',"
        " 'pipelines.ingest.')) and m != 'pipelines.ingest.source'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(town.spec_file)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cap = 4\n\n# Trips", "cap = 5\n\n# Trips"),
        ("min_dwell_minutes = 20", "min_dwell_minutes = 21"),
        ('table = "visits"', 'table = "visits"\nnoise = "laplace"'),
        ('table = "visits"', 'table = "visits"\nbounding = "sampling"'),
        ("share = 3", "share = 4"),
        ("days = 2 }", "days = 2 }\nissue = 1"),
    ],
)
def test_whatever_changes_a_measurement_changes_its_charge(town: Town, old: str, new: str) -> None:
    before = {m.charge.key for m in plan(town.spec()).of("visits")}
    after = {m.charge.key for m in plan(town.edit(old, new)).of("visits")}
    assert not before & after


def test_the_zone_set_is_part_of_every_charge(town: Town) -> None:
    before = {m.charge.key for m in plan(town.spec()).measurements}
    zones = town.folder / "zones.geojson"
    content = json.loads(zones.read_text(encoding="utf-8"))
    content["features"][0]["geometry"]["coordinates"][0][0][0] += 1e-4
    content["features"][0]["geometry"]["coordinates"][0][-1][0] += 1e-4
    zones.write_text(json.dumps(content), encoding="utf-8")
    after = {m.charge.key for m in plan(town.spec()).measurements}
    assert not before & after


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('title = "Daily', 'title = "Weekly'),
        ("max_relative_sd = 0.3", "max_relative_sd = 0.2"),
        ("memory_mb = 1024", "memory_mb = 512"),
        ("days = 2 }", "days = 3 }"),
        ('path = "pings/*.parquet"', 'path = "pings"'),
    ],
)
def test_words_limits_paths_and_more_dates_keep_the_charges(town: Town, old: str, new: str) -> None:
    before = {m.charge.key for m in plan(town.spec()).measurements}
    after = {m.charge.key for m in plan(town.edit(old, new)).measurements}
    assert before <= after


def test_equal_shares_in_other_numbers_are_the_same_measurement(town: Town) -> None:
    before = [m.charge.key for m in plan(town.spec()).measurements]
    for old, new in (("share = 9", "share = 18"), ("share = 3", "share = 6")):
        town.edit(old, new)
    town.edit("share = 1 ", "share = 2 ")
    after = [m.charge.key for m in plan(town.edit("share = 7", "share = 14")).measurements]
    assert before == after


def test_a_booked_measurement_keeps_the_law_that_it_was_booked_with(town: Town) -> None:
    one = plan(town.spec()).of("visits")[0]
    assert law_of(one.charge.detail) == one.law


def test_noise_above_what_the_declared_population_could_fill_is_warned_about(town: Town) -> None:
    assert not any("half-width" in line for line in plan(town.spec()).warnings)
    town.edit_policy("population = 3000", "population = 40")
    warned = [line for line in plan(town.spec()).warnings if "half-width" in line]
    assert any(line.startswith("od_flows: the 95% half-width is") for line in warned)


def test_a_device_as_the_unit_is_warned_about(town: Town) -> None:
    town.edit_policy("ids_per_person_per_date = 1", 'unit = "device"')
    assert any("one device, not one person" in line for line in plan(town.spec()).warnings)


def test_a_plan_is_json_without_any_path(town: Town) -> None:
    planned = plan(town.spec())
    text = json.dumps(planned.as_dict())
    assert str(town.folder) not in text
    assert "pings" not in text
    assert [row["table"] for row in planned.as_dict()["tables"]] == [
        *("panel", "presence", "visits", "od_flows")
    ]


def test_epsilons_are_those_of_the_design_at_the_default_rate(town: Town) -> None:
    rows = {row["dates"]: row for row in plan(town.spec()).epsilons() if row["basis"] == "rate"}
    assert rows[30]["rho_float"] == pytest.approx(0.5)
    assert rows[30]["epsilon"] == pytest.approx(5.22, abs=0.005)
    assert rows[365]["rho_float"] == pytest.approx(6.0833, abs=1e-3)
    assert rows[365]["epsilon"] == pytest.approx(23.3, abs=0.05)
    assert all(row["delta"] == 1e-6 for row in rows.values())


def test_spans_of_the_ledger_add_what_this_plan_would_charge(town: Town) -> None:
    planned = plan(town.spec())
    rows = {row["dates"]: row for row in planned.epsilons() if row["basis"] == "ledger"}
    assert rows[1]["rho_float"] == pytest.approx(1 / 60)
    assert rows[7]["rho_float"] == rows[None]["rho_float"] == pytest.approx(2 / 60)


def _head(town: Town) -> object:
    with Ledger.open(town.ledger) as ledger:
        return ledger.head

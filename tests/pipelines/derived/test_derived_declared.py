"""Every derived table says what it is, and none can reach a record."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from derived_world import Truth, computed, facts_of, world_of

from dp.law import NoiseLaw
from pipelines.derived import DERIVED, discover
from pipelines.schemas.derived import Derived, OfParams

ALL = ("panel", "presence", "visits", "od_flows", "trips_per_person", "presence_by_overnight")
sys.path.insert(0, str(Path(__file__).parents[2] / "contracts"))


@pytest.mark.parametrize("name", DERIVED)
def test_each_says_its_bias_its_interval_and_its_source(name: str) -> None:
    table = DERIVED[name]
    assert table.name == name
    for text in (table.summary, table.bias, table.interval, table.source):
        assert len(text) > 20
        assert text.endswith(".")
    for field in table.params.model_fields.values():
        assert field.description


@pytest.mark.parametrize("name", DERIVED)
def test_columns_are_told_and_rows_fit_them(name: str) -> None:
    table, facts = DERIVED[name], facts_of(world_of(), *ALL)
    if not table.automatic and name != "shares":
        pytest.skip("needs public files or earlier dates: tested with them")
    entry = {"of": "od_flows"} if issubclass(table.params, OfParams) else {}
    truth = Truth(facts, NoiseLaw("discrete_gaussian", 3.0))
    for measured in ALL:
        truth.put(measured, np.full(truth.keys(measured).size, 50, dtype=np.int64))
    params = table.params.model_validate({"table": name, **entry})
    columns = table.columns(facts, params)
    (rows,) = computed(name, truth.published(np.random.default_rng(1)), **entry)
    assert set(rows.codes) == {column.name for column in columns}
    for column in columns:
        assert column.meaning
        codes = rows.codes[column.name]
        assert codes.shape == rows.estimate.value.shape
        assert codes.min() >= 0
        if column.labels:
            assert len(set(column.labels)) == len(column.labels)
            assert codes.max() < len(column.labels)
    keys = list(zip(*rows.codes.values(), strict=True))
    assert len(set(keys)) == len(keys)


def test_no_derived_table_can_reach_a_record_a_draw_or_the_ledger() -> None:
    from _tree import reachable

    for name in ("pipelines.schemas.derived", *(f"pipelines.derived.{n}" for n in DERIVED)):
        reached = reachable(name, lazy=True)
        assert name in reached
        closed = ("pipelines.engines", "pipelines.ingest", "dp.ledger", "dp.measure", "opendp")
        assert not {one for one in reached if one.startswith(closed)}


def test_a_module_without_a_declaration_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "some_derived"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "_helper.py").touch()
    (package / "empty.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(TypeError, match=r"some_derived\.empty must declare TABLE = Derived"):
        discover("some_derived", [str(package)])
    twin = "from pipelines.derived.totals import TABLE\n"
    (package / "empty.py").write_text(twin, encoding="utf-8")
    (package / "other.py").write_text(twin, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "some_derived.empty")
    with pytest.raises(ValueError, match="another module has"):
        discover("some_derived", [str(package)])
    assert isinstance(DERIVED["totals"], Derived)

"""Options that need something elsewhere in the spec, with the real tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import pipelines.tables
from pipelines.errors import SpecError
from pipelines.ingest.source import Drop
from pipelines.schemas.strata import Stratum
from pipelines.spec import load_spec

REAL = pipelines.tables.TABLES
Change = Callable[..., Path]


@pytest.fixture(autouse=True)
def _real_tables(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.tables.TABLES", REAL)


@pytest.fixture
def entries(change: Change) -> Callable[[str], Path]:
    """The folder's spec with other ``[[tables]]`` entries."""

    def written(text: str) -> Path:
        path = change(("title", "title"))
        head, _, rest = path.read_text(encoding="utf-8").partition("[[tables]]")
        sections = [s for s in ("[release]", "[engine]", "[people]") if s in rest]
        tail = rest[min(rest.index(s) for s in sections) :] if sections else ""
        path.write_text(f"{head}{text}\n{tail}", encoding="utf-8")
        return path

    return written


CATEGORIES = '[[tables]]\ntable = "visits"\ncategories = ["school", "clinic"]\n'


def test_categories_need_a_source_that_maps_them(entries: Callable[[str], Path]) -> None:
    path = entries(CATEGORIES)
    with pytest.raises(
        SpecError, match=r"tables\[0\] \(visits\): categories are asked for, but no"
    ):
        load_spec(path)
    text = path.read_text(encoding="utf-8").replace('lat = "', 'category = "kind", lat = "', 1)
    path.write_text(text, encoding="utf-8")
    spec = load_spec(path)
    assert spec.sources[0].category == "kind"
    assert spec.public()["tables"][0]["categories"] == ["school", "clinic"]


STRATA = (
    '[people]\nstrata = { file = "map.csv", person = "id", columns = '
    '{ age_band = ["young", "old"] } }\n'
)


def test_strata_are_declared_once_and_asked_for_by_name(entries: Callable[[str], Path]) -> None:
    path = entries('[[tables]]\ntable = "panel"\nstrata = ["age_band"]\n')
    with pytest.raises(SpecError, match=r"tables\[0\] \(panel\): strata names \"age_band\", which"):
        load_spec(path)
    plain = path.read_text(encoding="utf-8")
    assert "[people]" not in plain
    path.write_text(plain + STRATA, encoding="utf-8")
    spec = load_spec(path)
    assert spec.strata == (Stratum(name="age_band", values=("young", "old")),)
    assert spec.public()["people"]["strata"] == {"age_band": ["young", "old"]}
    assert "map.csv" not in str(spec.public())
    for old, new, line in (
        ("age_band = [", "age_bnd = [", 'Did you mean "age_bnd"?'),
        ("age_band = [", "Age = [", "which cannot name a column of a table"),
        ('"old"', '"unknown"', "is always there"),
        ('"old"', '"young"', "must differ"),
    ):
        path.write_text(plain + STRATA.replace(old, new), encoding="utf-8")
        with pytest.raises(SpecError) as fault:
            load_spec(path)
        assert line in str(fault.value)


CDR = """[[sources]]
kind = "cdr"
path = "pings/*.parquet"
columns = { person = "id", time = "at", tower = "cell" }
towers = { file = "map.csv", id = "cell", lat = "y", lon = "x", valid_from = "from" }
assign = "voronoi"
drop = [{ column = "imsi", prefixes = ["44010"] }]
events_per_day = 12
"""


@pytest.fixture
def cdr(change: Change) -> Callable[..., Path]:
    """The folder's spec with one source, of network events."""

    def written(*swaps: tuple[str, str]) -> Path:
        path = change(("title", "title"))
        text = path.read_text(encoding="utf-8")
        before, after = text.index("[[sources]]"), text.index("[[tables]]")
        source = CDR
        for old, new in swaps:
            assert old in source
            source = source.replace(old, new)
        path.write_text(text[:before] + source + text[after:], encoding="utf-8")
        return path

    return written


def test_a_source_of_network_events_loads_and_names_no_path(cdr: Callable[..., Path]) -> None:
    spec = load_spec(cdr())
    (source,) = spec.sources
    assert (source.kind, source.zone) == ("cdr", "cell")
    assert source.drop == (Drop("imsi", ("44010",)),)
    (public,) = spec.public()["sources"]
    assert public["assign"] == "voronoi"
    assert public["drop"] == [{"column": "imsi", "prefixes": ["44010"]}]
    assert "file" not in public["towers"]


@pytest.mark.parametrize(
    ("swap", "line"),
    [
        (('kind = "cdr"', 'kind = "pings"'), "a source of kind cdr, and no other, has"),
        (('tower = "cell"', 'zone = "cell"'), "a source of kind cdr, and no other, has"),
        (('tower = "cell"', 'tower = "cell", zone = "z"'), "tower is given, and another place too"),
        (('"voronoi"', '"nearest"'), 'assign must be "containing" or "voronoi_majority" or'),
        (('prefixes = ["44010"]', "prefixes = []"), "prefixes must be a list with at least one"),
        (("events_per_day = 12", "events_per_day = 0"), "events_per_day must be a whole number"),
    ],
)
def test_faults_of_network_sources_are_one_line(
    cdr: Callable[..., Path], swap: tuple[str, str], line: str
) -> None:
    with pytest.raises(SpecError) as fault:
        load_spec(cdr(swap))
    assert line in str(fault.value)
    assert "\n" not in str(fault.value)


def test_options_that_are_not_asked_for_leave_no_trace(entries: Callable[[str], Path]) -> None:
    spec = load_spec(entries('[[tables]]\ntable = "visits"\n[[tables]]\ntable = "od_flows"\n'))
    for table in spec.public()["tables"]:
        assert set(table) == {"table", "share", "noise", "cap", "bounding"}


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (
            'table = "od_flows"\nday_parts = ["04-10", "11-04"]',
            "one ends at 10, the next starts at",
        ),
        ('table = "od_flows"\nday_parts = ["4am-10am"]', 'spans of full hours, got "4am-10am"'),
        ('table = "visits"\ncategories = ["other"]', 'categories must not list "other"'),
        ('table = "travel_distance"\nedges_km = [3, 1]', "edges_km must rise"),
    ],
)
def test_a_fault_of_an_option_is_one_clear_line(
    entries: Callable[[str], Path], entry: str, line: str
) -> None:
    with pytest.raises(SpecError) as fault:
        load_spec(entries(f"[[tables]]\n{entry}\n"))
    assert str(fault.value).count("\n") == 0
    assert line in str(fault.value)

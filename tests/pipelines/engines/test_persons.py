"""Who a record belongs to: ids of any kind, several sources, the id map, exclusions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engine_desk import PERSONS, job, pings, records, run, visits

from pipelines.errors import SourceError


def _persons(given: Any, **settings: Any) -> dict[int, int]:
    """Return the number of persons by zone on the first date."""
    return {cell - 1: n for (d, cell), n in run(given, **settings)["persons"].items() if d == 0}


def _csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


ODD = ["o'hara", 'say "hi"', "민수", "a,b", " a", "a", "A", "é", "e\u0301", "; DROP TABLE x", "%s"]


@pytest.mark.parametrize("in_memory", [True, False])
def test_ids_are_compared_letter_by_letter(tmp_path: Path, in_memory: bool) -> None:
    rows = [(who, "02 10:00", 0) for who in [*ODD, *ODD, ""]]
    given = job(tmp_path / "w", pings(tmp_path / "a.parquet", rows), statements=PERSONS)
    assert _persons(given, in_memory=in_memory, bucket_rows=4) == {0: len(ODD)}


def test_an_integer_and_its_shortest_text_are_one_id(tmp_path: Path) -> None:
    one = pings(tmp_path / "a.parquet", [(7, "02 10:00", 0)])
    two = pings(tmp_path / "b.parquet", [(w, "02 11:00", 0) for w in ("7", "007", "7.0")])
    assert _persons(job(tmp_path / "w", one, two, statements=PERSONS)) == {0: 3}


def test_very_large_integers_stay_apart(tmp_path: Path) -> None:
    big = [2**63, 2**63 + 1, 2**64 - 1]
    given = pings(tmp_path / "a.parquet", [(0, "02 10:00", 0)] * 3)
    table = pq.read_table(given.path)
    pq.write_table(table.set_column(0, "who", pa.array(big, pa.uint64())), given.path)
    assert _persons(job(tmp_path / "w", given, statements=PERSONS)) == {0: 3}


def test_a_person_in_two_sources_is_one_person(tmp_path: Path) -> None:
    given = job(
        tmp_path / "w",
        pings(tmp_path / "a.parquet", [(1, "02 10:00", 0), (2, "02 10:00", 0)]),
        visits(tmp_path / "b.parquet", [(1, "02 11:00", "02 12:00", 0)], label="sources[1]"),
        statements=PERSONS,
    )
    for buckets in (1, 2, 100):
        assert _persons(given, bucket_rows=buckets) == {0: 2}


ROWS = [(who, "02 10:00", who) for who in (1, 2, 3, 4)]


@pytest.mark.parametrize("header", [["device,person"], []])
def test_the_id_map_unites_devices_with_and_without_a_header(
    tmp_path: Path, header: list[str]
) -> None:
    given = pings(tmp_path / "a.parquet", ROWS)
    table = _csv(tmp_path / "map.csv", *header, "1,90", "2,90", "3,3", "99,1")
    found = records(job(tmp_path / "w", given, id_map=table))
    assert [(person, zone) for person, zone, _, _ in found] == [(3, 3), (4, 4), (90, 1), (90, 2)]


def test_the_map_is_read_once_and_never_followed(tmp_path: Path) -> None:
    given = pings(tmp_path / "a.parquet", ROWS)
    table = _csv(tmp_path / "map.csv", "1,2", "2,3")
    found = records(job(tmp_path / "w", given, id_map=table))
    assert [(person, zone) for person, zone, _, _ in found] == [(2, 1), (3, 2), (3, 3), (4, 4)]


def test_a_map_to_text_persons_turns_ids_to_text(tmp_path: Path) -> None:
    given = pings(tmp_path / "a.parquet", [(w, "02 10:00", 0) for w in (1, 2, 3)])
    table = _csv(tmp_path / "map.csv", "id,person", "1,kim", "2,kim")
    assert _persons(job(tmp_path / "w", given, id_map=table, statements=PERSONS)) == {0: 2}


def test_a_map_may_repeat_a_pair_and_leave_cells_empty(tmp_path: Path) -> None:
    given = pings(tmp_path / "a.parquet", ROWS)
    table = _csv(tmp_path / "map.csv", "1,90", "1,90", "2,", ",90")
    found = records(job(tmp_path / "w", given, id_map=table))
    assert [person for person, _, _, _ in found] == [2, 3, 4, 90]


def test_one_id_with_two_persons_is_refused_without_naming_it(tmp_path: Path) -> None:
    given = pings(tmp_path / "a.parquet", ROWS)
    table = _csv(tmp_path / "map.csv", "821012345678,90", "821012345678,91")
    with pytest.raises(SourceError, match="maps one id to two persons") as caught:
        run(job(tmp_path / "w", given, id_map=table))
    assert "8210" not in str(caught.value)
    assert [p.name for p in (tmp_path / "w").iterdir()] == []


@pytest.mark.parametrize("line", ['"4', "4,5,6", "", '"4"x,5'])
def test_a_list_of_people_loses_no_line_in_silence(tmp_path: Path, line: str) -> None:
    given = pings(tmp_path / "a.parquet", ROWS)
    table = _csv(tmp_path / "map.csv", "1,90", line, "2,90")
    out = _csv(tmp_path / "out.csv", "1", line, "2")
    for files in ({"id_map": table}, {"exclusions": out}):
        todo = job(tmp_path / "w", given, **files)
        if not line:
            assert len(records(todo)) in {2, 4}
            continue
        with pytest.raises(SourceError, match=r"nobody's line may be lost|must have 1"):
            run(todo)


@pytest.mark.parametrize(
    ("listed", "left"),
    [
        (["1"], [(3, 3), (4, 4)]),
        (["90"], [(3, 3), (4, 4)]),
        (["3"], [(4, 4), (90, 1), (90, 2)]),
        (["nobody", "03"], [(3, 3), (4, 4), (90, 1), (90, 2)]),
        ([""], [(3, 3), (4, 4), (90, 1), (90, 2)]),
    ],
)
def test_an_exclusion_drops_the_whole_mapped_person(
    tmp_path: Path, listed: list[str], left: list[tuple[int, int]]
) -> None:
    given = pings(tmp_path / "a.parquet", ROWS)
    table = _csv(tmp_path / "map.csv", "1,90", "2,90")
    out = _csv(tmp_path / "out.csv", "id", *listed)
    found = records(job(tmp_path / "w", given, id_map=table, exclusions=out))
    assert [(person, zone) for person, zone, _, _ in found] == left
    told = json.loads((tmp_path / "w" / "diagnostics.json").read_text())
    assert told["sources"][0]["set_aside"]["person_excluded"] == 4 - len(left)


def test_an_opt_out_list_without_a_header_loses_nobody(tmp_path: Path) -> None:
    given = pings(tmp_path / "a.parquet", ROWS)
    out = _csv(tmp_path / "out.csv", "1", "2")
    found = records(job(tmp_path / "w", given, exclusions=out))
    assert [person for person, _, _, _ in found] == [3, 4]


def test_exclusions_reach_every_source(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    pq.write_table(pa.table({"id": [1]}), out)
    given = job(
        tmp_path / "w",
        pings(tmp_path / "a.parquet", [(1, "02 10:00", 0), (2, "02 10:00", 0)]),
        visits(tmp_path / "b.parquet", [(1, "02 11:00", None, 0)], label="sources[1]"),
        exclusions=out,
    )
    assert [person for person, _, _, _ in records(given)] == [2]


def test_names_of_files_and_columns_may_hold_any_letter(tmp_path: Path) -> None:
    folder = tmp_path / 'o\'clock "x" [1] 도시*?'
    for name in ("a[1].parquet", "a1.parquet", "b's.parquet", "d=1/c.parquet"):
        given = pings(folder / name, [(1, "02 10:00", 0)])
        table = pq.read_table(given.path)
        odd = ["w'h\"o é", "select", "d", "b"]
        pq.write_table(table.rename_columns(odd), given.path)
        changed = pings(tmp_path / "x.parquet", [])
        changed = type(changed)(
            label="sources[0]",
            kind="pings",
            path=given.path,
            person=odd[0],
            time=odd[1],
            lat=odd[2],
            lon=odd[3],
        )
        assert records(job(tmp_path / "w", changed)) == [(1, 0, 0, "06:00")], name

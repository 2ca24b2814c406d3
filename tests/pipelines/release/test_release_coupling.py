"""What leaves depends on the records through the noisy values alone. The real engine reads here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from answering import Ask, answering
from release_rich import with_everything, with_towers
from release_threshold import thresholded
from release_town import Town, bytes_of, make_town

SCRIPT = Path(__file__).parent / "release_coupled.py"
RELEASE = ("release", "release.toml")
EXPORTS = ("od-csv", "geoparquet")
CANARY = "CANARY-7f3a91"
CANARY_LAT, CANARY_LON = 36.7051237, 127.1712349


@dataclass(frozen=True)
class Said:
    """What one command said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Outcome:
    """All that leaves a run of commands: what each said, and every public file."""

    said: tuple[Said, ...]
    folder: Mapping[str, bytes] = field(repr=False)

    def differs(self, other: Outcome) -> list[str]:
        """Return the names of what is not the same."""
        names = self.folder.keys() | other.folder.keys()
        found = [n for n in sorted(names) if self.folder.get(n) != other.folder.get(n)]
        for i, (mine, its) in enumerate(zip(self.said, other.said, strict=True)):
            parts = ("code", "out", "err")
            found += [f"{p} of {i}" for p in parts if getattr(mine, p) != getattr(its, p)]
        return found


Run = Callable[..., Outcome]
Copy = Callable[[str], Town]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    with answering(SCRIPT) as ask:
        yield ask


@pytest.fixture
def outcome(ask: Ask) -> Run:
    def one(town: Town, *commands: tuple[str, ...], plant: str = "") -> Outcome:
        said = []
        for command in commands or (RELEASE,):
            asked = [str(town.folder), str(town.folder.parent / "anchors"), plant, command]
            said.append(Said(**json.loads(ask(json.dumps(asked)))))
        return Outcome(tuple(said), bytes_of(town.releases))

    return one


def _shrink(town: Town) -> None:
    """Keep the tables of the dates but no record at all."""
    for path in (town.folder / "pings").glob("*.parquet"):
        pq.write_table(pq.read_table(path).slice(0, 0), path)
    checkins = town.folder / "checkins.csv"
    checkins.write_text(checkins.read_text(encoding="utf-8").splitlines()[0] + "\n")


def _one_person_everywhere(town: Town) -> None:
    for path in (town.folder / "pings").glob("*.parquet"):
        rows = pq.read_table(path)
        same = pa.array([rows["subscriber"][0].as_py()] * len(rows), rows["subscriber"].type)
        at = rows.column_names.index("subscriber")
        pq.write_table(rows.set_column(at, rows.schema.field(at), same), path)


def _other_people(town: Town) -> None:
    other = make_town(town.folder.parent / "other", seed=2)
    for name in ("checkins.csv", "devices.csv", "optout.csv"):
        shutil.copy(other.folder / name, town.folder / name)
    shutil.rmtree(town.folder / "pings")
    shutil.copytree(other.folder / "pings", town.folder / "pings")


def _bad_rows(town: Town) -> None:
    path = min((town.folder / "pings").glob("*.parquet"))
    rows = pq.read_table(path)
    number = np.arange(len(rows))
    changed = {
        "ts": pc.if_else(pa.array(number % 3 == 0), pa.scalar(None, rows["ts"].type), rows["ts"]),
        "lat": pc.if_else(pa.array(number % 5 == 0), 999.0, rows["lat"]),
    }
    columns = [changed.get(name, rows[name]) for name in rows.column_names]
    pq.write_table(pa.table(columns, schema=rows.schema), path)


def _moved(town: Town) -> None:
    """Turn the city round: everyone is somewhere else, and undated files stay as they are."""
    for path in (town.folder / "pings").glob("*.parquet"):
        rows = pq.read_table(path)
        turned = rows["lat"].combine_chunks()[::-1]
        at = rows.column_names.index("lat")
        pq.write_table(rows.set_column(at, rows.schema.field(at), turned), path)


OTHERS: Mapping[str, Callable[[Town], None]] = {
    "no record at all": _shrink,
    "other people": _other_people,
    "one person everywhere": _one_person_everywhere,
    "bad rows": _bad_rows,
}


@pytest.fixture
def copied(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy:
    """Give copies of the town with one ledger's history: same id, same secret, own anchor."""
    return _copies(town, tmp_path, monkeypatch)


def _copies(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy:
    model, anchors = tmp_path / "model", tmp_path / "anchors"
    town.folder.rename(model)
    shutil.copytree(anchors, tmp_path / "model-anchors")

    def copy(name: str) -> Town:
        home = tmp_path / name
        shutil.copytree(model, home / "town")
        shutil.copytree(tmp_path / "model-anchors", home / "anchors")
        monkeypatch.setenv("MURMURATION_ANCHORS", str(home / "anchors"))
        return Town(home / "town")

    return copy


def test_other_records_with_the_same_noisy_tables_give_the_same_bytes(
    copied: Copy, outcome: Run
) -> None:
    usual = outcome(copied("usual"))
    assert usual.said[0].code == 0, usual.said[0].err
    assert len(usual.folder) >= 15
    for number, (name, change) in enumerate(OTHERS.items()):
        town = copied(f"other-{number}")
        change(town)
        found = outcome(town)
        assert found.said[0].code == 0, (name, found.said[0].err)
        assert found.differs(usual) == [], name


def test_so_does_a_release_of_everything_and_all_that_is_made_of_it(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: Run
) -> None:
    """All tables, strata, categories, day parts, every layer, the report, exports, all commands."""
    with_everything(town)
    town.edit("days = 2 }", "days = 1 }")
    text = town.spec_file.read_text(encoding="utf-8").replace("report = false", "report = true")
    text += '\n[estimates]\nweights = "panel"\n[[derived]]\ntable = "shares"\nof = "panel"\n'
    town.spec_file.write_text(text, encoding="utf-8")
    copied = _copies(town, tmp_path, monkeypatch)
    usual: Outcome | None = None
    for number, change in enumerate((None, _moved)):
        other = copied(f"rich-{number}")
        if change is not None:
            change(other)
        made = outcome(other)
        (release,) = [p.name for p in other.releases.iterdir()]
        folder = f"releases/{release}"
        after = outcome(
            other,
            *[("export", folder, "--to", to, "--out", f"releases/{to}") for to in EXPORTS],
            ("status", "release.toml"),
            ("budget", "city.ledger", "--json"),
            ("verify", folder, "--ledger", "city.ledger"),
        )
        found = Outcome(made.said + after.said, after.folder)
        assert [said.code for said in found.said] == [0] * len(found.said), [
            said.err for said in found.said if said.code
        ]
        if usual is None:
            usual = found
            assert any(name.startswith(f"{release}/estimates/") for name in found.folder)
            assert any(name.startswith(f"{release}/for_models/") for name in found.folder)
        assert found.differs(usual) == [], number


def test_so_does_a_release_from_towers(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: Run
) -> None:
    with_towers(town)
    copied = _copies(town, tmp_path, monkeypatch)
    usual = outcome(copied("usual"))
    assert usual.said[0].code == 0, usual.said[0].err
    other = copied("other")
    events = other.folder / "events.csv"
    lines = events.read_text(encoding="utf-8").splitlines()
    events.write_text("\n".join([*lines[:1], *lines[-40:], "x", ",,", "s2,no time,t1"]) + "\n")
    assert outcome(other).differs(usual) == []


@pytest.mark.parametrize(
    ("plant", "where"),
    [
        ("a status from row counts", "tables/"),
        ("keys from the data", "tables/"),
        ("a stop on bad rows", "code of 0"),
        ("counts of rows in the output", "out of 0"),
    ],
)
def test_a_leak_that_is_planted_is_caught(
    town: Town,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    outcome: Run,
    plant: str,
    where: str,
) -> None:
    town.edit("days = 2 }", "days = 1 }")
    copied = _copies(town, tmp_path, monkeypatch)
    usual, other = copied("usual"), copied("other")
    _bad_rows(other)
    as_usual = outcome(usual, plant=plant)
    assert as_usual.said[0].code == 0, as_usual.said[0].err
    assert any(where in name for name in outcome(other, plant=plant).differs(as_usual))


def test_which_cells_reach_a_threshold_is_all_that_tells_of_the_records(
    copied: Copy, tmp_path: Path, outcome: Run
) -> None:
    thresholded(Town(tmp_path / "model"))
    shutil.copytree(tmp_path / "anchors", tmp_path / "model-anchors", dirs_exist_ok=True)
    usual, other = copied("usual"), copied("other")
    _shrink(other)
    as_usual = outcome(usual)
    assert as_usual.said[0].code == 0, as_usual.said[0].err
    assert "thresholded/od_flows.csv" in " ".join(as_usual.folder)
    assert outcome(other).differs(as_usual) == []


def test_no_canary_id_or_coordinate_leaves_the_private_folders(copied: Copy, outcome: Run) -> None:
    town = copied("canary")
    path = min((town.folder / "pings").glob("*.parquet"))
    rows = pq.read_table(path)
    count = 60
    more = {
        "subscriber": pa.array([CANARY] * count, rows["subscriber"].type),
        "ts": rows["ts"].combine_chunks().slice(0, count),
        "lat": pa.array([CANARY_LAT] * (count - 1) + [999.1237]),
        "lon": pa.array([CANARY_LON] * count),
    }
    extra = pa.table({name: more[name] for name in rows.column_names}, schema=rows.schema)
    pq.write_table(pa.concat_tables([rows, extra]), path)
    inputs = set(bytes_of(town.folder))
    found = outcome(town)
    (said,) = found.said
    assert said.code == 0, said.err
    private = inputs | {name for name in bytes_of(town.folder) if name.startswith("work/")}
    left = {name: raw for name, raw in bytes_of(town.folder).items() if name not in private}
    left |= bytes_of(town.folder.parent / "anchors")
    assert {path.name for path in (town.folder / "work").rglob("*")} <= {"diagnostics.json"}
    left |= {"stdout": said.out.encode(), "stderr": said.err.encode()}
    assert len(left) > 20
    for name, raw in left.items():
        for canary in (CANARY, "36.7051237", "367051237", "127.1712349", "1271712349", "999.1237"):
            assert canary.encode() not in raw, (name, canary)

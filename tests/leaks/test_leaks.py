"""Nothing of a person leaves but through the door: every byte and every trace of whole runs."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from canaries import (
    DEVICE,
    EXCLUDED,
    LAT,
    LON,
    PERSON,
    SECRETS,
    WORDS,
    Secret,
    found_in,
    leaks,
    text_secret,
)
from inotify import appearing

from dp.ledger import Ledger
from pipelines.exports import EXPORTS
from pipelines.spec import load_policy
from pipelines.twin import CitySettings, make_city

WATCHED = Path(__file__).parent / "watched.py"
FORMATS = sorted(set(EXPORTS) - {"google-csv"})  # it needs weeks of a baseline
RELEASE = "releases/daily-mobility-garam-synthetic-0001"
PRIVATE = ("pings", "checkins.csv", "devices.csv", "optout.csv", "ages.csv")
MADE = {"city.ledger", "city.ledger.store", "releases", "work", "page.html"}
MODES = {"d700", "f600"}
COMMANDS: list[list[str]] = [
    ["plan", "release.toml"],
    ["release", "release.toml"],
    ["release", "release.toml"],
    ["status", "release.toml"],
    ["report", RELEASE, "--out", "page.html"],
    *(["export", RELEASE, "--to", name, "--out", f"export-{name}", "--clip"] for name in FORMATS),
    ["verify", RELEASE, "--ledger", "city.ledger"],
    ["budget", "city.ledger", "--json"],
]


@dataclass(frozen=True)
class Seen:
    """What a watched run left and showed."""

    home: Path
    out: str
    err: str
    watch: dict[str, Any]
    appeared: set[str]

    @property
    def city(self) -> Path:
        return self.home / "city"

    def public(self, target: Path) -> Path:
        """Copy everything that is not a private input, the streams included, to a folder."""
        for path in self.home.iterdir():
            shutil.copytree(path, target / path.name, ignore=shutil.ignore_patterns(*PRIVATE))
        for name, text in (("stdout", self.out), ("stderr", self.err)):
            (target / name).write_text(text, encoding="utf-8")
        return target


def _with_canaries(city: Path) -> None:
    """Put the strange people and places into every private input, well formed and not."""
    path = min((city / "pings").glob("*.parquet"))
    rows = pq.read_table(path)
    count = 80
    who = [PERSON] * 40 + [DEVICE] * 20 + [EXCLUDED] * 19 + [WORDS]
    more = {
        "subscriber": pa.array(who, rows["subscriber"].type),
        "ts": rows["ts"].combine_chunks().slice(0, count),
        "lat": pa.array([LAT] * count),
        "lon": pa.array([LON] * (count - 1) + [999.0]),
    }
    extra = pa.table({name: more[name] for name in rows.column_names}, schema=rows.schema)
    pq.write_table(pa.concat_tables([rows, extra]), path)
    header, first, *_ = (city / "checkins.csv").read_text(encoding="utf-8").splitlines()
    fields = first.split(",")
    with (city / "checkins.csv").open("a", encoding="utf-8") as file:
        for at in range(len(fields)):
            file.write(",".join([*fields[:at], WORDS, *fields[at + 1 :]]) + "\n")
        file.write(f'"{WORDS}\n{WORDS},{header}\n')
    with (city / "devices.csv").open("a", encoding="utf-8") as file:
        file.write(f"{DEVICE},{PERSON}\n")
    with (city / "optout.csv").open("a", encoding="utf-8") as file:
        file.write(f"{EXCLUDED}\n")
    (city / "ages.csv").write_text(f"who,age\n{PERSON},young\n{DEVICE},{WORDS}\n")
    spec = (city / "release.toml").read_text(encoding="utf-8")
    spec = spec.replace(
        "[people]",
        '[people]\nstrata = { file = "ages.csv", person = "who", columns = { age = ["young"] } }',
    ).replace('table = "panel"', 'table = "panel"\nstrata = ["age"]')
    (city / "release.toml").write_text(spec, encoding="utf-8")


def _watched(
    home: Path, commands: Sequence[Sequence[str]], *plants: str, before: Sequence[str] = ()
) -> Seen:
    """Run commands under watch in ``home/city``; temporary files and the home are in ``home``."""
    for name in ("tmp", "user"):
        (home / name).mkdir(exist_ok=True)
    report = home.parent / f"{home.name}-watch.json"
    env = os.environ | {
        "HOME": str(home / "user"),
        "TMPDIR": str(home / "tmp"),
        "MURMURATION_ANCHORS": str(home / "anchors"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    words = [sys.executable, str(WATCHED), str(report), json.dumps(plants), json.dumps(commands)]
    with appearing(home / "tmp", home / "user", home / "city") as appeared:
        done = subprocess.run(
            [*before, *words],
            cwd=home / "city",
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
    watch = json.loads(report.read_text())
    return Seen(home, done.stdout, done.stderr, watch, appeared)


def _alone() -> list[str]:
    """Return the words that run a command without any network, where this machine can."""
    words = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") and subprocess.run([*words, "true"], check=False).returncode == 0:
        return words
    return []


def _home(home: Path) -> Path:
    """Make a city with canaries and its ledger."""
    small = CitySettings(zones=6, pings_per_person=30.0)
    city = home / "city"
    make_city(city, people=200, days=1, start=dt.date(2026, 3, 2), seed=5, settings=small)
    _with_canaries(city)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MURMURATION_ANCHORS", str(home / "anchors"))
        Ledger.create(city / "city.ledger", load_policy(city / "policy.toml")).close()
    return home


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    home = _home(tmp_path_factory.mktemp("leaks") / "home")
    return _watched(home, COMMANDS, before=_alone())


def test_every_command_did_its_work(seen: Seen) -> None:
    assert seen.watch["codes"] == [0] * len(COMMANDS), seen.err
    assert {path.name for path in seen.city.glob("export-*")} == {f"export-{n}" for n in FORMATS}
    kept = json.loads((seen.city / "work" / "diagnostics.json").read_text())
    assert sum(kept["sources"][0]["set_aside"].values()) > 0, "the strange rows were not read"


def test_no_byte_that_leaves_holds_a_canary(seen: Seen, tmp_path: Path) -> None:
    left = seen.public(tmp_path / "left")
    assert sum(path.is_file() for path in left.rglob("*")) > 60
    assert leaks(left) == {}


def test_the_ledger_s_secret_stays_in_the_ledger(seen: Seen, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MURMURATION_ANCHORS", str(seen.home / "anchors"))
        with Ledger.open(seen.city / "city.ledger") as ledger:
            raw = ledger.secret
    secrets = (text_secret("secret", raw.hex()), Secret("raw secret", {"as bytes": raw}))
    found = leaks(seen.public(tmp_path / "left"), secrets)
    assert set(found) == {"city/city.ledger"}


def test_nothing_is_written_beside_the_city_s_own_folders(seen: Seen) -> None:
    strays = {
        name
        for name in seen.appeared
        if not name.startswith(("export-", ".export-", "city.ledger", ".city.ledger"))
    }
    assert strays <= MADE
    assert [*(seen.home / "tmp").iterdir(), *(seen.home / "user").iterdir()] == []
    outside = {
        name
        for name in seen.watch["written"]
        if Path(name).is_absolute()
        and not Path(name).is_relative_to(seen.home)
        and not name.startswith(("/dev/", "/proc/"))
    }
    assert outside == set()


def test_only_diagnostics_stay_in_the_work_folder(seen: Seen) -> None:
    assert [path.name for path in (seen.city / "work").rglob("*")] == ["diagnostics.json"]


def test_work_is_closed_to_others_all_the_time_whatever_the_umask(seen: Seen) -> None:
    assert set(seen.watch["modes"]) == MODES


def test_no_socket_is_opened_and_none_is_needed(seen: Seen) -> None:
    assert seen.watch["network"] == []


def test_other_users_see_no_canary_in_words_titles_or_environment(seen: Seen) -> None:
    assert seen.watch["words"]
    assert found_in("\0".join(seen.watch["words"]).encode()) == []


def test_a_crash_would_write_no_core_file(seen: Seen) -> None:
    assert seen.watch["core"] == [0, 0]


def test_no_system_call_writes_elsewhere_or_talks_to_anyone(tmp_path: Path) -> None:
    """What Python does not see: native code of DuckDB, Arrow, GDAL, SQLite and OpenDP."""
    trace = ["strace", "-f", "-qq", "-o"]
    if (
        not shutil.which("strace")
        or subprocess.run([*trace, "/dev/null", "true"], check=False).returncode
    ):
        pytest.skip("strace is not here, or may not trace")
    log, calls = tmp_path / "calls", "openat,open,creat,mkdir,mkdirat,socket,connect,execve"
    home = _home(tmp_path / "home")
    words = [*trace, str(log), "--seccomp-bpf", "-e", f"trace={calls}"]
    seen = _watched(home, [["release", "release.toml"]], before=words)
    assert seen.watch["codes"] == [0], seen.err
    made = re.findall(
        r"(?:open|openat|creat|mkdir|mkdirat)\((?:AT_FDCWD, )?\"([^\"]+)\", (\w[\w|]*)[^=]*\) = \d",
        log.read_text(errors="replace"),
    )
    written = {name for name, how in made if re.search("O_WRONLY|O_RDWR|O_CREAT|^0", how)}
    assert any(name.endswith("manifest.json") for name in written)
    assert [n for n in written if n[0] == "/" and not n.startswith((str(tmp_path), "/dev/"))] == []
    text = log.read_text(errors="replace")
    assert "socket(" not in text
    assert text.count("execve(") == 1


def test_every_watch_notices_what_it_watches_for(tmp_path: Path) -> None:
    city = tmp_path / "home" / "city"
    city.mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "canaries.py", city)
    plants = ["print", "temporary file", "socket", "mode", "words of a child"]
    seen = _watched(tmp_path / "home", [["--version"]], *plants)
    assert "CANARY-PERSON as utf-8" in found_in(seen.out.encode())
    assert "left" in seen.appeared
    assert any(name.endswith("/tmp/left") for name in seen.watch["written"])
    assert leaks(tmp_path / "home" / "tmp")
    assert seen.watch["network"]
    assert "f644" in seen.watch["modes"]
    assert found_in("\0".join(seen.watch["words"]).encode())


@pytest.mark.parametrize("secret", SECRETS, ids=lambda one: one.name)
def test_every_form_of_a_secret_is_found_again(secret: Secret) -> None:
    for form, raw in secret.forms.items():
        assert f"{secret.name} {form}" in found_in(b"before" + raw + b"after"), form


def test_packed_leaks_are_found(tmp_path: Path) -> None:
    table = pa.table(
        {
            "coded": pa.array([PERSON, "a", PERSON]).dictionary_encode(),
            "lat": [LAT, 1.0, 2.0],
            "shape": [struct.pack("<BIdd", 1, 1, LON, LAT), b"", b""],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd")
    (tmp_path / "a.gz").write_bytes(gzip.compress(base64.b64encode(b"at" + PERSON.encode())))
    (tmp_path / f"{PERSON}.txt").write_text("a name tells too")
    found = leaks(tmp_path)
    assert set(found) == {"a.parquet", "a.gz", f"{PERSON}.txt"}
    assert {"CANARY-PERSON as utf-8", "the place lat <8", "the place WKB <"} <= set(
        found["a.parquet"]
    )

"""Each fault of a spec is one clear line: file, place, value, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.errors import SpecError
from pipelines.spec import load_spec

Change = Callable[..., Path]

FAULTS = {
    "no title": (
        ('title = "Daily mobility, Bucheon"\n', ""),
        'release.toml: title is missing. Write title = "Daily mobility".',
    ),
    "title without words": (
        ('title = "Daily mobility, Bucheon"', 'title = "  "'),
        'release.toml: title must be one line of text, got "  ". Write some words in quotes.',
    ),
    "title of another type": (
        ('title = "Daily mobility, Bucheon"', "title = 7"),
        (
            "release.toml: title must be text of at most 200 letters, got 7. "
            'Write title = "Daily mobility".'
        ),
    ),
    "unknown section": (
        ("[zones]", "[zone]\nx = 1\n[zones]"),
        'release.toml: "zone" is not known. Did you mean "zones"?',
    ),
    "no dates": (
        ("dates = { start = 2026-03-02, days = 7 }\n", ""),
        "release.toml: dates is missing. Write dates = { start = 2026-03-02, days = 7 }.",
    ),
    "date in quotes that does not exist": (
        ("start = 2026-03-02", 'start = "2026-02-30"'),
        (
            'release.toml, dates: start must be a date without quotes, got "2026-02-30". '
            "Write start = 2026-03-02."
        ),
    ),
    "date with a time": (
        ("start = 2026-03-02", "start = 2026-03-02T04:00:00"),
        (
            "release.toml, dates: start must be a date without quotes, got "
            '"2026-03-02 04:00:00". Write start = 2026-03-02.'
        ),
    ),
    "year before location records": (
        ("start = 2026-03-02", "start = 0026-03-02"),
        (
            "release.toml, dates: start must lie between the years 1970 and 2199, got 0026-03-02. "
            "Write a date such as 2026-03-02."
        ),
    ),
    "no days": (
        ("days = 7", "days = 0"),
        "release.toml, dates: days must be a whole number from 1 to 3660, got 0. Write days = 7.",
    ),
    "days as a truth value": (
        ("days = 7", "days = true"),
        (
            "release.toml, dates: days must be a whole number from 1 to 3660, got true. "
            "Write days = 7."
        ),
    ),
    "unknown date key": (
        ("days = 7", "day = 7, days = 7"),
        'release.toml, dates: "day" is not known. Did you mean "days"?',
    ),
    "issue below 0": (
        ("[series]", "issue = -1\n[series]"),
        "release.toml: issue must be a whole number from 0 to 9999, got -1. Write issue = 0.",
    ),
    "no ledger named": (
        ('ledger = "bucheon.ledger"\n', ""),
        'release.toml, series: ledger is missing. Write ledger = "series.ledger".',
    ),
    "neither ledger nor policy": (
        ('policy = "policy.toml"\n', ""),
        (
            'release.toml, series: ledger does not exist: "bucheon.ledger". Make it with '
            '`murmuration ledger create`, or write policy = "policy.toml" to plan without it.'
        ),
    ),
    "policy file missing": (
        ('"policy.toml"', '"polisy.toml"'),
        'release.toml, series: policy does not exist: "polisy.toml". Did you mean "policy.toml"?',
    ),
    "float budget": (
        ("[zones]", "rho_per_date = 0.05\n[zones]"),
        (
            "release.toml, series: rho_per_date must be exact, got the rounded number 0.05. "
            'Write "1/20" in quotes.'
        ),
    ),
    "exponent budget": (
        ("[zones]", "cap_delta = 1e-6\n[zones]"),
        (
            "release.toml, series: cap_delta must be exact, got the rounded number 1e-06. "
            'Write "1/1000000" in quotes.'
        ),
    ),
    "infinite budget": (
        ("[zones]", "cap_rho = inf\n[zones]"),
        (
            "release.toml, series: cap_rho must be exact, got the rounded number inf. "
            'Write it as text, such as "1/2".'
        ),
    ),
    "budget without end": (
        ("[zones]", 'cap_rho = "1e999999999"\n[zones]'),
        (
            "release.toml, series: cap_rho must be an exact number of 0 or more, got "
            '"1e999999999". '
            'Write it as "1/2" or "0.05".'
        ),
    ),
    "budget of nothing": (
        ("[zones]", 'rho_per_date = "0"\n[zones]'),
        (
            'release.toml, series: rho_per_date must be an exact number above 0, got "0". '
            'Write rho_per_date = "1/60".'
        ),
    ),
    "window of no days": (
        ("[zones]", "window_days = 0\n[zones]"),
        (
            'release.toml, series: window_days must be a whole number of 1 or more or "series", '
            "got 0."
            " Write window_days = 30."
        ),
    ),
    "time zone misspelt": (
        ("[zones]", 'time_zone = "Asia/Soul"\n[zones]'),
        (
            'release.toml, series: time_zone must be an IANA time zone, got "Asia/Soul". '
            'Did you mean "Asia/Seoul"?'
        ),
    ),
    "time zone of this machine": (
        ("[zones]", 'time_zone = "localtime"\n[zones]'),
        (
            'release.toml, series: time_zone must be an IANA time zone, got "localtime". '
            'Write one such as "Asia/Seoul".'
        ),
    ),
    "no such hour": (
        ("[zones]", 'day_starts = "24:00"\n[zones]'),
        (
            'release.toml, series: day_starts must be a time of day in quotes, got "24:00". '
            'Write "04:00".'
        ),
    ),
    "zones not given": (
        ('file = "dongs.geojson"\nid = "code"\n', ""),
        (
            "release.toml, zones: exactly one of file, grid and h3 says what the zones are, got "
            "none. "
            'Write file = "zones.geojson" and id = "code".'
        ),
    ),
    "zones given twice": (
        ('id = "code"\n', 'id = "code"\ngrid = { cell_m = 500, boundary = "city.geojson" }\n'),
        (
            "release.toml, zones: exactly one of file, grid and h3 says what the zones are, "
            'got file and grid. Write file = "zones.geojson" and id = "code".'
        ),
    ),
    "zone file without an id column": (
        ('id = "code"\n', ""),
        'release.toml, zones: id is missing. Write the column of zone ids: id = "code".',
    ),
    "grid with a file's column": (
        ('file = "dongs.geojson"', 'h3 = { resolution = 8, boundary = "city.geojson" }'),
        (
            "release.toml, zones: id names a column of a zone file, but the zones are h3 cells. "
            "Remove id."
        ),
    ),
    "zone file missing": (
        ('"dongs.geojson"', '"dong.geojson"'),
        'release.toml, zones: file does not exist: "dong.geojson". Did you mean "dongs.geojson"?',
    ),
    "grid cell too small": (
        (
            'file = "dongs.geojson"\nid = "code"',
            'grid = { cell_m = 1, boundary = "city.geojson" }',
        ),
        (
            "release.toml, zones.grid: cell_m must be a whole number from 10 to 100000, got 1. "
            "Write cell_m = 500."
        ),
    ),
    "zones as text": (
        ('[zones]\nfile = "dongs.geojson"\nid = "code"\n', ""),
        "release.toml: zones is missing. Write [zones] and its keys below it.",
    ),
    "unknown kind": (
        ('kind = "pings"', 'kind = "ping"'),
        (
            'release.toml, sources[0]: kind must be "pings" or "visits" or "cdr", got "ping". '
            'Write kind = "pings".'
        ),
    ),
    "no file for a pattern": (
        ('"pings/*.parquet"', '"pings/*.csv"'),
        (
            'release.toml, sources[0]: path finds no file: "pings/*.csv". Write a file, a folder '
            "or a "
            'pattern such as "pings/*.parquet", from the spec\'s own folder.'
        ),
    ),
    "path of nothing": (
        ('"pings/*.parquet"', '""'),
        (
            'release.toml, sources[0]: path must name a file or folder, got "". '
            "Write a path in quotes."
        ),
    ),
    "no person column": (
        ('person = "subscriber", ', ""),
        'release.toml, sources[0].columns: person is missing. Write person = "subscriber".',
    ),
    "no time column": (
        ('time = "ts", ', ""),
        'release.toml, sources[0].columns: time is missing. Write time = "time".',
    ),
    "lat without lon": (
        (', lon = "lon"', ""),
        'release.toml, sources[0].columns: lat is given without lon. Write lon = "lon" too.',
    ),
    "lon without lat": (
        ('lat = "lat", ', ""),
        'release.toml, sources[0].columns: lon is given without lat. Write lat = "lat" too.',
    ),
    "no place": (
        (', lat = "lat", lon = "lon"', ""),
        (
            'release.toml, sources[0].columns: no place is mapped. Write lat = "lat", lon = "lon" '
            '(or zone = "zone").'
        ),
    ),
    "two places": (
        ('lon = "lon" }', 'lon = "lon", zone = "dong" }'),
        (
            "release.toml, sources[0].columns: lat and lon are given, and zone too. "
            "Keep one of the two."
        ),
    ),
    "one column for two things": (
        ('lon = "lon"', 'lon = "lat"'),
        (
            'release.toml, sources[0].columns: lat and lon both read the column "lat". '
            "Write two different columns."
        ),
    ),
    "misspelt column key": (
        ('time = "ts"', 'tiem = "x", time = "ts"'),
        'release.toml, sources[0].columns: "tiem" is not known. Did you mean "time"?',
    ),
    "end of a ping": (
        ('time = "ts"', 'time = "ts", end = "te"'),
        (
            'release.toml, sources[0]: columns.end is "te", but a ping has no end. '
            'Remove it or write kind = "visits".'
        ),
    ),
    "unit and format of time": (
        ('kind = "pings"', 'kind = "pings"\ntime_unit = "s"\ntime_format = "%Y"'),
        (
            "release.toml, sources[0]: time_unit is for whole numbers since 1970 in UTC; "
            "time_format "
            "does not go with it. Keep one of the two."
        ),
    ),
    "unit and zone of time": (
        ('kind = "pings"', 'kind = "pings"\ntime_unit = "s"\nnaive_time_zone = "Asia/Seoul"'),
        (
            "release.toml, sources[0]: time_unit is for whole numbers since 1970 in UTC; "
            "naive_time_zone does not go with it. Keep one of the two."
        ),
    ),
    "one section where many are due": (
        ("[[sources]]", "[sources]"),
        (
            "release.toml: sources must be a list with at least one entry, got "
            '{ kind = "pings", path = "pings/*.parquet", columns = { pers.... '
            "Write [[sources]] and the entry's keys below it."
        ),
    ),
    "the same source twice": (
        (
            "[[tables]]",
            (
                '[[sources]]\nkind = "pings"\npath = "pings/*.parquet"\n'
                'columns = { person = "subscriber", time = "ts", lat = "lat", lon = "lon" '
                "}\n[[tables]]"
            ),
        ),
        "release.toml, sources[1]: the same source as sources[0]. Remove one.",
    ),
    "id map missing": (
        ("[[tables]]", '[people]\nid_map = "maps.csv"\n[[tables]]'),
        (
            'release.toml, people: id_map does not exist: "maps.csv". '
            "Write the path from the spec's own folder."
        ),
    ),
    "trace parameter out of range": (
        ("[[tables]]", "[traces]\nmin_dwell_minutes = -5\n[[tables]]"),
        (
            "release.toml, traces: min_dwell_minutes must be a whole number from 0 to 720, got -5. "
            "Write min_dwell_minutes = 20."
        ),
    ),
    "misspelt trace parameter": (
        ("[[tables]]", "[traces]\nmin_dwell = 5\n[[tables]]"),
        'release.toml, traces: "min_dwell" is not known. Did you mean "min_dwell_minutes"?',
    ),
    "unknown table": (
        ('table = "presence"', 'table = "presense"'),
        (
            'release.toml, tables[0]: "presense" is no table. Did you mean "presence"? '
            "Known tables: od_flows, panel, presence, visits."
        ),
    ),
    "table without a name": (
        ('table = "presence"\n', ""),
        (
            "release.toml, tables[0]: table is missing. "
            "Known tables: od_flows, panel, presence, visits."
        ),
    ),
    "table name of another type": (
        ('table = "presence"', "table = 1"),
        (
            "release.toml, tables[0]: table must be a name in quotes, got 1. "
            "Known tables: od_flows, panel, presence, visits."
        ),
    ),
    "table twice": (
        ("[[tables]]", '[[tables]]\ntable = "presence"\nbin_minutes = 30\n[[tables]]'),
        (
            "release.toml, tables[1] (presence): the table is asked for twice, first in tables[0]. "
            "Remove one of the two entries."
        ),
    ),
    "cap of nothing": (
        ("cap = 4", "cap = 0"),
        (
            "release.toml, tables[1] (od_flows): cap must be a whole number from 1 to 1000, got 0. "
            "Write cap = 1."
        ),
    ),
    "no cap": (
        ("cap = 4", ""),
        "release.toml, tables[1] (od_flows): cap is missing. Write cap = 1.",
    ),
    "share as a float": (
        ("share = 7", "share = 0.5"),
        (
            "release.toml, tables[1] (od_flows): share must be exact, got the rounded number 0.5. "
            'Write "1/2" in quotes.'
        ),
    ),
    "share below 0": (
        ("share = 7", "share = -1"),
        (
            "release.toml, tables[1] (od_flows): share must be an exact number of 0 or more, got "
            '-1. Write it as "1/2" or "0.05".'
        ),
    ),
    "share of nothing": (
        ("share = 7", 'share = "0/5"'),
        (
            'release.toml, tables[1] (od_flows): share must be an exact number above 0, got "0". '
            'Write share = "1".'
        ),
    ),
    "share of another type": (
        ("share = 7", "share = true"),
        (
            "release.toml, tables[1] (od_flows): share must be an exact number of 0 or more, got "
            "true. "
            'Write it as "1/2" or "0.05".'
        ),
    ),
    "choice that is none": (
        ("cap = 4", 'cap = 4\nbounding = "clipping"'),
        (
            'release.toml, tables[1] (od_flows): bounding must be "weighting" or "sampling", '
            'got "clipping". Write bounding = "weighting".'
        ),
    ),
    "wrong entry of a list": (
        ("cap = 4", 'cap = 4\nday_parts = ["am", 2]'),
        "release.toml, tables[1] (od_flows), day_parts: entry 1 must be text in quotes, got 2.",
    ),
    "rule of a table": (
        ("cap = 4", 'cap = 4\nday_parts = ["am", "am"]'),
        "release.toml, tables[1] (od_flows): day_parts repeats a part. Name each once.",
    ),
    "misspelt table parameter": (
        ("cap = 4", "cap = 4\nbonding = 1"),
        'release.toml, tables[1] (od_flows): "bonding" is not known. Did you mean "bounding"?',
    ),
    "precision that is none": (
        ("[[tables]]", "[release]\nmax_relative_sd = nan\n[[tables]]"),
        (
            "release.toml, release: max_relative_sd must be a number above 0 and at most 10, got "
            "nan. "
            "Write max_relative_sd = 0.3."
        ),
    ),
    "private folder in the public one": (
        ("[[tables]]", '[release]\nwork = "releases/work"\n[[tables]]'),
        (
            "release.toml, release, work lies inside release.folder, which is meant for "
            "publication. "
            "Write another place for one of the two."
        ),
    ),
    "unknown engine": (
        ("[[tables]]", '[engine]\nname = "duckbd"\n[[tables]]'),
        (
            'release.toml, engine: name must be "duckdb" or "spark", got "duckbd". '
            'Write name = "duckdb".'
        ),
    ),
    "master without Spark": (
        ("[[tables]]", '[engine]\nmaster = "local[2]"\n[[tables]]'),
        (
            'release.toml, engine: master is "local[2]", but duckdb has no master. '
            'Write name = "spark" or remove master.'
        ),
    ),
    "master that is none": (
        ("[[tables]]", '[engine]\nname = "spark"\nmaster = "cluster"\n[[tables]]'),
        (
            'release.toml, engine: master must be the URL of a Spark master, got "cluster". '
            'Write "local[2]", "spark://host:7077", "yarn" or "k8s://https://host:443".'
        ),
    ),
    "memory too small": (
        ("[[tables]]", "[engine]\nmemory_mb = 1\n[[tables]]"),
        (
            "release.toml, engine: memory_mb must be a whole number from 256 to 16777216, got 1. "
            "Write memory_mb = 2048."
        ),
    ),
}


@pytest.mark.parametrize(("swap", "line"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_one_clear_line(change: Change, swap: tuple[str, str], line: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(change(swap))
    assert str(caught.value) == line


def test_all_faults_are_listed_at_once_in_the_order_of_the_sections(change: Change) -> None:
    path = change(
        ("days = 7", "days = 0"),
        ('id = "code"\n', ""),
        ('kind = "pings"', 'kind = "ping"'),
        ('table = "presence"', 'table = "presense"'),
        ("cap = 4", "cap = 0\nbonding = 1"),
    )
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    places = [line.split(": ")[0] for line in str(caught.value).splitlines()]
    assert places == [
        "release.toml, dates",
        "release.toml, zones",
        "release.toml, sources[0]",
        "release.toml, tables[0]",
        "release.toml, tables[1] (od_flows)",
        "release.toml, tables[1] (od_flows)",
    ]


def test_nothing_but_the_title_still_lists_what_is_missing(folder: Path) -> None:
    (folder / "release.toml").write_text('title = "x"', encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_spec("release.toml")
    missing = [line.split()[1] for line in str(caught.value).splitlines()]
    assert missing == ["dates", "series", "zones", "sources", "tables"]

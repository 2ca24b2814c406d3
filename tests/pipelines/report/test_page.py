"""The page of a release: self-contained, the same bytes again, right numbers, safe text."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.errors import VerifyError
from pipelines.release.read import read_release
from pipelines.report.page import render, write_report
from pipelines.report.totals import clear_mark

FakeRelease = Callable[..., Path]
TRICKY = '<script>alert(1)</script> & "Söul" </script><!--'
ONE_DATE = (dt.date(2026, 3, 2),)


@pytest.fixture(scope="module")
def folder(fake_release: FakeRelease, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_release(tmp_path_factory.mktemp("release") / "garam-0001")


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return render(folder)


class _Elements(HTMLParser):
    """Every element with its attributes, and the scripts' text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.words.append(data)


def _payload(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


def _rows(page: str, caption: str) -> list[list[str]]:
    body = page.split(f"<caption>{caption}</caption>")[1].split("</table>", maxsplit=1)[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body.split("<tbody>")[1])
    return [[unescape(c) for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


def _number(text: str) -> float:
    return float(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))


def test_the_same_folder_gives_the_same_bytes_and_only_the_page_is_written(folder: Path) -> None:
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.suffix != ".html"}
    first = write_report(folder).read_bytes()
    assert write_report(folder).read_bytes() == first
    after = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.suffix != ".html"}
    assert after == before


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    loading = {"src", "srcset", "poster", "action", "formaction", "background", "ping", "data"}
    for tag, attributes in _Elements(page).found:
        assert tag not in {"iframe", "object", "embed", "base", "img", "form"}
        assert not loading & attributes.keys(), f"{tag} loads {attributes}"
        href = attributes.get("href") or ""
        assert not re.match(r"[a-z]+:|//", href) or href == "data:,"
    style = page.split("<style>")[1].split("</style>", maxsplit=1)[0]
    assert "url(" not in style
    assert "@import" not in style


def test_the_content_policy_names_exactly_the_scripts_of_the_page(page: str) -> None:
    elements = _Elements(page)
    policy = next(a["content"] for t, a in elements.found if t == "meta" and "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.split("style-src")[0]
    digests = {
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in elements.scripts[1:]
    }
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == digests
    assert len(elements.scripts) == 3


def test_text_of_the_release_is_shown_as_text(fake_release: FakeRelease, tmp_path: Path) -> None:
    names = [f"{TRICKY}{i}" for i in range(5)]
    folder = fake_release(
        tmp_path / "r", zones=5, dates=ONE_DATE, names=names, title=TRICKY, tables=("visits",)
    )
    page = render(folder)
    elements = _Elements(page)
    assert len(elements.scripts) == 3, "a name has opened or closed a script"
    assert TRICKY in "".join(elements.words)
    assert _payload(page)["map"]["names"] == names
    assert "<!--" not in page.split("<body>")[1].split('id="data"')[1].split("</script>")[0]


def test_every_epsilon_stands_beside_its_unit(page: str) -> None:
    rows = _rows(page, "What one person can lose, at most; epsilon at delta 1e-6")
    assert [row[0] for row in rows] == [
        "1 date", "7 dates", "30 dates", "365 dates", "the series so far"
    ]  # fmt: skip
    assert rows[2][1] == "5.22 per person per 30 dates (rho 0.5)"
    assert rows[3][1].startswith("23.297 per person per 365 dates")
    assert rows[4][3].startswith("2.522 per person per whole series"), "2.5213 is rounded up"
    assert "per person per 30 dates" in page.split("</header>", maxsplit=1)[0]


def test_epsilons_are_never_rounded_down(page: str, folder: Path) -> None:
    spans = read_release(folder).privacy["guarantee"]["spans"]
    rows = _rows(page, "What one person can lose, at most; epsilon at delta 1e-6")
    for span, row in zip(spans, rows, strict=True):
        said = row[1] or row[3]
        assert float(said.split()[0]) >= span["epsilon"]


def test_daily_totals_are_sums_with_the_noise_of_sums(page: str, folder: Path) -> None:
    release = read_release(folder)
    rows = _rows(page, "Totals over all zones")
    assert len(rows) == 7
    for k, table in enumerate(("panel", "presence", "visits", "od_flows")):
        frame = release[table]
        for row, (_, date) in zip(rows, frame.groupby("date"), strict=True):
            bins = date["bin"].nunique() if table == "presence" else 1
            total = date["value"].sum() / bins
            half = 1.959964 * np.sqrt((date["sd"] ** 2).sum()) / bins
            assert _number(row[1 + 2 * k]) == pytest.approx(total, abs=0.51)
            lo, hi = (_number(x) for x in row[2 + 2 * k].split(" to "))
            assert lo == pytest.approx(total - half, abs=0.51)
            assert hi == pytest.approx(total + half, abs=0.51)


def test_map_frames_are_the_published_rows(page: str, folder: Path) -> None:
    payload = _payload(page)
    layer = payload["layers"][0]
    frame = read_release(folder)["presence"]
    chosen = frame[(frame["date"] == "2026-03-04") & (frame["bin"] == 9)].set_index("zone")
    chosen = chosen.loc[payload["map"]["ids"]]
    shown = layer["frames"][2][layer["slots"].index("13:00\N{EN DASH}14:00")]
    assert shown["v"] == chosen["value"].tolist()
    assert shown["h"] == pytest.approx((chosen["hi95"] - chosen["value"]).iloc[0], abs=0.01)
    codes = {"ok": "0", "low_precision": "1", "structural_zero": "2"}
    assert shown["q"] == "".join(codes[s] for s in chosen["status"])


def test_means_are_more_precise_by_the_root_of_their_number(page: str) -> None:
    layer = _payload(page)["layers"][0]
    one, day = layer["frames"][0][1]["h"], layer["frames"][0][0]["h"]
    every = layer["frames"][-1][0]["h"]
    assert day == pytest.approx(one / np.sqrt(24), abs=0.02)
    assert every == pytest.approx(one / np.sqrt(24 * 7), abs=0.02)


def test_city_series_adds_zones_with_root_n_noise(page: str, folder: Path) -> None:
    layer = _payload(page)["layers"][0]
    frame = read_release(folder)["presence"]
    first = frame[(frame["date"] == "2026-03-02") & (frame["bin"] == 0)]
    value, half = layer["city"][0][1]
    assert value == first["value"].sum()
    assert half == pytest.approx(1.959964 * 40 * np.sqrt(36), abs=0.01)


def test_largest_flows_are_means_of_the_dates_in_falling_order(page: str, folder: Path) -> None:
    frame = read_release(folder)["od_flows"]
    mean = frame.groupby(["origin", "destination"], observed=True)["value"].sum() / 7
    rows = _rows(page, "Mean of all dates")[:20]
    assert [_number(r[1]) for r in rows] == [round(v) for v in mean.sort_values()[::-1][:20]]
    lo, hi = (_number(x) for x in rows[0][2].split(" to "))
    assert hi - lo == pytest.approx(2 * 1.959964 * 18.5 / np.sqrt(7), abs=1)


def test_flows_of_pure_noise_are_not_called_clear(
    fake_release: FakeRelease, tmp_path: Path, page: str
) -> None:
    folder = fake_release(tmp_path / "r", tables=("od_flows",), noisier=1e4)
    noise = _payload(render(folder))["flows"]
    assert sum(value > half for _, _, value, half, _ in noise) > 10, "intervals above 0 mislead"
    assert not any(clear for *_, clear in noise)
    assert sum(clear for *_, clear in _payload(page)["flows"]) > 100


def test_the_clear_mark_holds_the_chance_of_any_false_flow() -> None:
    rng = np.random.default_rng(1)
    for heavy, draw in ((False, rng.normal), (True, lambda size: rng.laplace(0, 0.5**0.5, size))):
        mark = clear_mark(400, heavy=heavy)
        false = (draw(size=(4_000, 400)) > mark).any(axis=1).mean()
        assert 0.03 < false < 0.065, "the mark is too strict or too lax"


def test_structural_zeros_are_no_flows(page: str) -> None:
    assert all(flow[0] != flow[1] for flow in _payload(page)["flows"])


def test_panel_is_shown_with_the_unknown_last(page: str, folder: Path) -> None:
    frame = read_release(folder)["panel"]
    mean = frame.groupby("overnight", observed=True)["value"].sum() / 7
    bars = _payload(page)["bars"]
    assert bars["panel-zones"][-1]["label"] == "unknown"
    assert bars["panel-zones"][-1]["value"] == pytest.approx(mean["unknown"], abs=0.01)
    values = [bar["value"] for bar in bars["panel-zones"][:-1]]
    assert values == sorted(values, reverse=True)
    assert bars["panel-hours"][0]["label"] == "0 hours"


def test_precision_table_counts_rows_and_the_share_that_is_precise(page: str, folder: Path) -> None:
    release = read_release(folder)
    for row in _rows(page, "One row a table of the release"):
        frame = release[row[0].split(":")[0]]
        assert _number(row[2]) == len(frame)
        noisy = frame[frame["status"] != "structural_zero"]
        share = (noisy["status"] == "ok").mean()
        assert row[4] == ("over 99%" if 0.995 <= share < 1 else f"{share:.0%}")


@pytest.mark.parametrize("table", ["panel", "presence", "visits", "od_flows"])
def test_a_release_of_one_table_has_a_page(
    table: str, fake_release: FakeRelease, tmp_path: Path
) -> None:
    page = render(fake_release(tmp_path / "r", zones=5, dates=ONE_DATE, tables=(table,)))
    payload = _payload(page)
    assert ('id="flow-bars"' in page) == (table == "od_flows")
    assert ('id="map"' in page) == (table != "od_flows")
    assert page.count('id="zone"') == 1
    assert [one["table"] for one in payload["daily"]] == [table]


def test_all_low_precision_is_said_and_nothing_is_hidden(
    fake_release: FakeRelease, tmp_path: Path
) -> None:
    folder = fake_release(tmp_path / "r", zones=9, dates=ONE_DATE, noisier=1e4)
    frame = _payload(render(folder))["layers"][0]["frames"][0][1]
    assert frame["q"].count("1") >= 8
    assert None not in frame["v"]


def test_files_beside_the_page_are_linked_and_exist(page: str, folder: Path) -> None:
    links = [a["href"] for tag, a in _Elements(page).found if tag == "a"]
    named = [str(link) for link in links if link and not link.startswith("#")]
    assert {"README.md", "privacy.json", "tables/presence.csv"} <= set(named)
    assert all((folder / name).is_file() for name in named)


def test_a_repeated_hour_has_its_own_place(fake_release: FakeRelease, tmp_path: Path) -> None:
    folder = fake_release(
        tmp_path / "r",
        zones=4,
        dates=(dt.date(2026, 10, 24), dt.date(2026, 10, 25)),
        tables=("presence",),
        zone_name="Europe/Berlin",
    )
    layer = _payload(render(folder))["layers"][0]
    assert [sum(f is not None for f in row) for row in layer["frames"]] == [26, 25, 27]
    assert layer["slots"][-4:] == [
        "02:00 (+02:00)",
        "02:00\N{EN DASH}03:00",
        "02:00 (+01:00)",
        "03:00\N{EN DASH}04:00",
    ]


def test_two_thousand_zones_fit_in_fifteen_megabytes(
    fake_release: FakeRelease, tmp_path: Path
) -> None:
    folder = fake_release(tmp_path / "r", zones=2_000, tables=("panel", "presence", "visits"))
    assert len(render(folder).encode()) < 15e6


def test_hours_are_left_out_of_a_page_that_they_would_swell(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.report.contents.MOST_CELLS", 1_000)
    layer = _payload(render(folder))["layers"][0]
    assert layer["hoursLeftOut"]
    assert len(layer["frames"][0]) == 1
    assert len(layer["city"][0]) == 25


def test_a_cell_without_a_value_is_not_shown_as_zero(
    fake_release: FakeRelease, tmp_path: Path
) -> None:
    folder = fake_release(tmp_path / "r", zones=4, dates=ONE_DATE, tables=("visits",))
    path = folder / "tables" / "visits.parquet"
    frame = pd.read_parquet(path)
    frame["status"] = frame["status"].astype(str)
    frame.loc[0, ["value", "sd", "lo95", "hi95"]] = np.nan
    frame.loc[0, "status"] = "no_data"
    frame.to_parquet(path)
    payload = _payload(render(folder))
    shown = payload["layers"][0]["frames"][0][0]
    at = payload["map"]["ids"].index(str(frame["zone"][0]))
    assert shown["v"][at] is None
    assert shown["q"][at] == "3"
    assert payload["daily"][0]["points"][0]["value"] is None


def test_a_folder_that_is_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerifyError, match=r"no manifest\.json"):
        render(tmp_path)

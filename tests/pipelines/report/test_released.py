"""The page of a real release: made, hashed, verified, and the same when it is written again."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import pytest

from dp.ledger import Ledger
from pipelines import load_spec, read_release, release, verify_release
from pipelines.report.page import REPORT, write_report
from pipelines.spec import load_policy
from pipelines.twin import CitySettings, make_city


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("city")
    city = make_city(
        base / "city",
        people=300,
        days=2,
        start=dt.date(2026, 3, 2),
        seed=3,
        settings=CitySettings(zones=6, pings_per_person=30.0),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MURMURATION_ANCHORS", str(base / "anchors"))
        with Ledger.create(city.ledger, load_policy(city.policy)):
            pass
        return release(load_spec(city.spec))


def test_the_manifest_vouches_for_the_page(folder: Path) -> None:
    assert (folder / REPORT).is_file()
    assert verify_release(folder) == []


def test_written_again_the_page_is_the_same_and_the_folder_still_verifies(folder: Path) -> None:
    before = (folder / REPORT).read_bytes()
    assert write_report(folder).read_bytes() == before
    assert verify_release(folder) == []


def test_the_page_shows_the_release(folder: Path) -> None:
    text = (folder / REPORT).read_text("utf-8")
    data = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert data
    payload = json.loads(data[1])
    opened = read_release(folder)
    assert payload["map"]["ids"] == opened.zones["zone"].tolist()
    assert [layer["table"] for layer in payload["layers"]] == ["presence", "visits", "panel"]
    first = opened["presence"].head(6)
    assert payload["layers"][0]["frames"][0][1]["v"] == first["value"].tolist()
    assert [one["table"] for one in payload["daily"]] == ["panel", "presence", "visits", "od_flows"]
    assert "Everything that one person did" not in text, "the sentence goes on in lower case"
    assert "everything that one person did in any 30 dates in a row" in text


def test_no_private_word_reaches_the_page(folder: Path) -> None:
    text = (folder / REPORT).read_text("utf-8")
    for word in ("devices.csv", "optout.csv", "city.ledger", str(folder.parent), "subscriber"):
        assert word not in text

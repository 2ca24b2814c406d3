"""The page in a real browser: it draws everything, says nothing on the console, loads nothing."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.report.page import write_report

FakeRelease = Callable[..., Path]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((path for name in NAMES if (path := shutil.which(name))), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--enable-logging=stderr",
    "--virtual-time-budget=8000",
)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


def browse(page: Path, home: Path, *flags: str, width: int = 1280) -> tuple[str, list[str]]:
    """Return the page's elements after its scripts ran, and what the console said."""
    command = [str(BROWSER), *FLAGS, f"--window-size={width},1600", f"--user-data-dir={home}"]
    done = subprocess.run(
        [*command, *flags, "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env=os.environ | {"HOME": str(home)},
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def page(fake_release: FakeRelease, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(fake_release(tmp_path_factory.mktemp("browser") / "r"))


@pytest.fixture(scope="module")
def wide(page: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    return browse(page, tmp_path_factory.mktemp("wide"))


@pytest.fixture(scope="module")
def narrow(page: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    return browse(page, tmp_path_factory.mktemp("narrow"), width=390)


@pytest.mark.parametrize("view", ["wide", "narrow"])
def test_every_chart_is_drawn_without_a_word_on_the_console(
    view: str, request: pytest.FixtureRequest
) -> None:
    dom, console = request.getfixturevalue(view)
    assert not console
    assert re.search(r"<html[^>]* data-ready=\"yes\"", dom)
    charts = re.findall(r'<div class="chart[^"]*" id="([\w-]+)"', dom)
    assert len(charts) == 10
    for chart in charts:
        drawn = dom.split(f'id="{chart}"')[1].split("</svg>")[0]
        assert "<svg" in drawn, f"{chart} is empty"
        assert "NaN" not in drawn, f"{chart} has no scale"


def test_the_map_has_every_zone_and_its_tooltip_words(wide: tuple[str, list[str]]) -> None:
    drawn = wide[0].split('id="map"')[1].split("</svg>")[0]
    labels = re.findall(r'aria-label="([^"]*zone: [^"]*)"', drawn)
    assert len({re.findall(r"zone: ([^;]+)", label)[0] for label in labels}) == 36
    assert all("95% interval: " in label and "estimate: " in label for label in labels)
    assert "2 km" in drawn


def test_every_chart_says_what_it_shows(wide: tuple[str, list[str]]) -> None:
    charts = re.findall(r'<div class="chart[^>]*>', wide[0])
    said = [re.findall(r'aria-label="([^"]*)"', chart)[0] for chart in charts]
    assert all(said)
    assert "Vega visualization" not in said


def test_a_single_date_of_one_table_is_drawn(fake_release: FakeRelease, tmp_path: Path) -> None:
    folder = fake_release(
        tmp_path / "r", zones=5, dates=(dt.date(2026, 3, 2),), tables=("od_flows",), noisier=1e4
    )
    dom, console = browse(write_report(folder), tmp_path / "home")
    assert not console
    assert 'data-ready="yes"' in dom


def test_the_content_policy_stops_a_script_that_is_not_the_pages(
    page: Path, tmp_path: Path
) -> None:
    text = page.read_text("utf-8")
    planted = tmp_path / "planted.html"
    cut = text.rindex("</body>")
    planted.write_text(
        f"{text[:cut]}<script>document.body.id = 'planted'</script>{text[cut:]}", encoding="utf-8"
    )
    dom, console = browse(planted, tmp_path / "home")
    assert "planted" not in re.findall(r"<body[^>]*>", dom)[0]
    assert any("Content Security Policy" in line for line in console)

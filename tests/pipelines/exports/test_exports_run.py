"""An export appears whole or not at all, is the same bytes each time, and never overwrites."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from export_desk import make_folder, plain
from typer.testing import CliRunner

import pipelines
from pipelines.cli.app import app
from pipelines.errors import ExportError, VerifyError
from pipelines.exports import EXPORTS, _run, discover
from pipelines.exports._run import export

NAMES = sorted(EXPORTS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    statuses, values = plain()
    # epydemix needs a value of every pair on some date
    statuses |= {cell: "ok" for cell in statuses if cell[:2] == ("od_flows", "2026-03-03")}
    return make_folder(tmp_path / "town-0001", statuses=statuses, values=values)


def _bytes(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_release_gives_the_same_bytes_and_no_other_file_moves(
    folder: Path, tmp_path: Path, name: str
) -> None:
    before = _bytes(folder)
    first = export(folder, to=name, clip=True)
    again = export(folder, to=name, clip=True)
    other = pipelines.export(str(folder), to=name, clip=True, out=tmp_path / "a" / "b")
    assert first == again == (tmp_path / f"town-0001.{name}").resolve()
    assert _bytes(first) == _bytes(other)
    assert _bytes(folder) == before
    assert not [path for path in tmp_path.rglob(".*") if path.is_dir()]


@pytest.mark.parametrize("name", NAMES)
def test_a_readme_states_orientation_units_and_the_rule_of_na(folder: Path, name: str) -> None:
    declared = EXPORTS[name]
    made = export(folder, to=name, clip=True)
    text = (made / "README.md").read_text(encoding="utf-8")
    for line in (declared.orientation, declared.units, declared.missing, declared.read):
        assert line in text
    assert "It is never 0" in text
    assert "04:00 local time, in Asia/Seoul" in text
    files = [path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()]
    named = [re.sub("YYYYMMDD|DATE|NAME|LAYER|SIGNAL|TABLE", "*", path) for path in declared.writes]
    for path in set(files) - {"README.md"}:
        assert any(Path(path).match(pattern.replace(".csv", "*.csv")) for pattern in named), path


@pytest.mark.parametrize("name", [n for n in NAMES if EXPORTS[n].nonnegative])
def test_clipping_is_asked_for_and_named(folder: Path, name: str) -> None:
    with pytest.raises(ExportError, match=r"cannot hold negative numbers.*--clip"):
        export(folder, to=name)
    made = export(folder, to=name, clip=True)
    assert "Clipped: " in (made / "README.md").read_text(encoding="utf-8")
    held = [p for p in _bytes(made) if "clipped_at_0" in p]
    held += [p for p, b in _bytes(made).items() if b"clipped_at_0" in b and p != "README.md"]
    assert held


@pytest.mark.parametrize("name", [n for n in NAMES if EXPORTS[n].nonnegative])
def test_modelled_flows_need_no_clipping(tmp_path: Path, name: str) -> None:
    statuses, values = plain()
    statuses = dict.fromkeys(statuses, "ok")
    home = make_folder(
        tmp_path / "town-0001", statuses=statuses, values=values, parts=("modelled",)
    )
    made = export(home, to=name)
    text = (made / "README.md").read_text(encoding="utf-8")
    assert "`for_models/od_flows_biased`: non-negative, shrunk, biased" in text
    assert not any("clipped" in path for path in _bytes(made))


def test_epydemix_gets_residents_with_stayers_where_the_release_has_them(tmp_path: Path) -> None:
    statuses, values = plain()
    home = make_folder(
        tmp_path / "town-0001",
        statuses=dict.fromkeys(statuses, "ok"),
        values=values,
        parts=("persons",),
    )
    made = export(home, to="epydemix", clip=True)
    (path,) = made.rglob("contacts_matrix_residents_clipped_at_0.csv")
    layer = np.loadtxt(path, delimiter=",")
    assert layer.sum(axis=1) == pytest.approx([1, 1, 1])
    assert (layer.diagonal() > 0).all()
    assert 'layers = ["mobility_clipped_at_0", "residents_clipped_at_0"]' in (
        made / "README.md"
    ).read_text(encoding="utf-8")


def test_signed_values_reach_formats_that_can_hold_them(folder: Path) -> None:
    text = (export(folder, to="od-csv") / "od.csv").read_text(encoding="utf-8")
    assert ",-" in text
    assert ",NA,NA,not_released" in text
    assert ",NA,NA,no_data" in text
    assert "partial" in text


def test_what_exists_is_never_overwritten(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "taken"
    out.mkdir()
    (out / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ExportError, match="exists and holds something else"):
        export(folder, to="od-csv", out=out)
    assert _bytes(out) == {"mine.txt": b"mine"}
    made = export(folder, to="od-csv")
    with (made / "od.csv").open("a", encoding="utf-8") as file:
        file.write("more\n")
    with pytest.raises(ExportError, match="exists and holds something else"):
        export(folder, to="od-csv")


def test_nothing_is_visible_when_writing_fails(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(source: Any, place: Path) -> list[str]:
        (place / "od.csv").write_text("half", encoding="utf-8")
        raise OSError(28, "No space left on device")

    broken = SimpleNamespace(write=half)
    monkeypatch.setattr(_run, "EXPORTS", {"od-csv": broken})
    with pytest.raises(ExportError, match=r"cannot be written: No space left.*--out"):
        export(folder, to="od-csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["town-0001"]


def test_a_changed_release_is_not_exported(folder: Path) -> None:
    (folder / "tables" / "od_flows.parquet").write_bytes(b"other")
    with pytest.raises(VerifyError, match="not the bytes that were released"):
        export(folder, to="od-csv")


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("google", 'Did you mean "google-csv"?'),
        ("xlsx", "Formats: covidcast, epydemix"),
    ],
)
def test_an_unknown_format_is_told(folder: Path, to: str, words: str) -> None:
    with pytest.raises(ExportError, match=re.escape(words)):
        export(folder, to=to)


def test_an_export_inside_the_release_is_refused(folder: Path) -> None:
    with pytest.raises(ExportError, match="whose files are final"):
        export(folder, to="od-csv", out=folder / "od")


def test_what_a_release_lacks_is_said_with_the_entry_to_add(tmp_path: Path) -> None:
    statuses, values = plain()
    home = make_folder(
        tmp_path / "town-0001",
        statuses=dict.fromkeys(statuses, "ok"),
        values=values,
        parts=(),
        population=(1, None, 3),
    )
    with pytest.raises(ExportError, match='table = "change_from_baseline"'):
        export(home, to="google-csv")
    with pytest.raises(ExportError, match=r"population of every zone.*under \[zones\]"):
        export(home, to="epydemix", clip=True)
    made = export(home, to="r-mobility", clip=True)
    assert (made / "N.csv").read_text(
        encoding="utf-8"
    ) == 'zone,population\n007,1\n"b,""x""",NA\nNA,3\n'


def test_the_command_writes_and_its_help_lists_every_format(folder: Path) -> None:
    run = CliRunner()
    text = " ".join(run.invoke(app, ["export", "--help"]).output.split())
    for name in NAMES:
        assert f"{name}: " in text
    done = run.invoke(app, ["export", str(folder), "--to", "covidcast"])
    assert done.exit_code == 0
    assert "town-0001.covidcast" in done.output
    assert run.invoke(app, ["export", str(folder), "--to", "skmob"]).exit_code == 2


def test_a_module_without_a_declaration_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "formats"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "one.py").write_text("EXPORT = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(TypeError, match=r"formats\.one must declare EXPORT"):
        discover("formats", [str(package)])

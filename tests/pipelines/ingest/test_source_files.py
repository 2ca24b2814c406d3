from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import SourceError
from pipelines.ingest.files import find_files


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


def test_a_file_a_folder_and_a_pattern_find_the_same(tmp_path: Path) -> None:
    _touch(tmp_path, "a.parquet")
    expected = (tmp_path / "a.parquet",)
    for path in (tmp_path / "a.parquet", tmp_path, tmp_path / "*.parquet", tmp_path / "**/a.*"):
        assert find_files(path, label="s").paths == expected


def test_a_folder_is_read_with_its_subfolders_without_what_is_no_data(tmp_path: Path) -> None:
    _touch(tmp_path, "d=1/b.parquet", "d=0/a.PARQUET", "_SUCCESS", ".hidden.parquet", "notes.txt")
    _touch(tmp_path, "_tmp/c.parquet")
    found = find_files(tmp_path, label="s").paths
    assert [str(p.relative_to(tmp_path)) for p in found] == ["d=0/a.PARQUET", "d=1/b.parquet"]


def test_a_pattern_may_match_folders(tmp_path: Path) -> None:
    _touch(tmp_path, "d=1/b.csv", "d=2/c.csv", "e/d.csv")
    assert len(find_files(tmp_path / "d=*", label="s").paths) == 2


def test_letters_of_patterns_in_a_real_name_are_letters(tmp_path: Path) -> None:
    _touch(tmp_path, "a[1].csv", "a1.csv")
    assert find_files(tmp_path / "a[1].csv", label="s").paths == (tmp_path / "a[1].csv",)


@pytest.mark.parametrize("path", ["none.parquet", "*.parquet", "empty"])
def test_nothing_there_is_said_with_the_path(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"sources\[1\]: no file at .*Write a path") as caught:
        find_files(tmp_path / path, label="sources[1]")
    assert path in str(caught.value)


def test_two_formats_in_one_source_are_refused(tmp_path: Path) -> None:
    _touch(tmp_path, "a.csv", "b.parquet")
    with pytest.raises(SourceError, match=r"a\.csv is csv, but b\.parquet is parquet"):
        find_files(tmp_path, label="s")


def test_another_format_named_outright_is_refused(tmp_path: Path) -> None:
    _touch(tmp_path, "a.xlsx")
    with pytest.raises(SourceError, match=r"a\.xlsx is neither Parquet nor CSV"):
        find_files(tmp_path / "*", label="s")

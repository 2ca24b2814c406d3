"""A release folder appears whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from pipelines.errors import ResourceError
from pipelines.release import folder as subject
from pipelines.release.folder import private_folder, staged, staging_of, stagings_of

OWNER = "ab" * 16


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_staged_folder_is_private_and_hidden_and_a_published_one_is_readable(
    tmp_path: Path,
) -> None:
    final = tmp_path / "town-0001"
    before = os.umask(0o077)
    try:
        with staged(final, owner=OWNER) as folder:
            assert folder.name.startswith(".")
            assert folder.parent == final.parent
            assert _mode(folder) == 0o700
            (folder / "tables").mkdir()
            (folder / "tables" / "t.csv").write_text("x")
            assert not final.exists()
    finally:
        os.umask(before)
    assert _mode(final) == _mode(final / "tables") == 0o755
    assert _mode(final / "tables" / "t.csv") == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["town-0001"]


def test_an_error_while_staging_leaves_nothing(tmp_path: Path) -> None:
    def stage() -> None:
        with staged(tmp_path / "town-0001", owner=OWNER) as folder:
            (folder / "half").write_text("x")
            raise KeyError

    with pytest.raises(KeyError):
        stage()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(ResourceError, match=r"the disk is full.*run the same command again"),
        staged(tmp_path / "town-0001", owner=OWNER),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_replaced(tmp_path: Path) -> None:
    final = tmp_path / "town-0001"
    left = staging_of(final, owner=OWNER)
    left.mkdir()
    (left / "old").write_text("x")
    assert stagings_of(tmp_path, owner=OWNER) == [left]
    assert stagings_of(tmp_path, owner="cd" * 16) == []
    with staged(final, owner=OWNER) as folder:
        (folder / "new").write_text("y")
    assert [path.name for path in final.iterdir()] == ["new"]


def test_every_file_is_synced_before_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    final, steps = tmp_path / "town-0001", []
    real_sync, real_rename = subject.sync, Path.rename
    monkeypatch.setattr(subject, "sync", lambda p: (steps.append(Path(p).name), real_sync(p)))
    monkeypatch.setattr(
        Path, "rename", lambda self, to: (steps.append("rename"), real_rename(self, to))[1]
    )
    with staged(final, owner=OWNER) as folder:
        (folder / "tables").mkdir()
        (folder / "tables" / "a").write_text("x")
        (folder / "b").write_text("x")
    staging = staging_of(final, owner=OWNER).name
    assert set(steps[: steps.index("rename")]) == {"a", "b", "tables", staging}
    assert steps[steps.index("rename") + 1 :] == [tmp_path.name]


def test_work_is_private_even_where_it_was_open(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir(mode=0o755)
    assert _mode(private_folder(work)) == 0o700

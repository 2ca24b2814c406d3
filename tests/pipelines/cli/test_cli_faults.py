"""Every fault is a line and an exit code; private values stay in the work folder."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dp import errors as dp_errors
from dp.errors import MurmurationError
from pipelines import errors
from pipelines.cli.guard import Guarded, private_work

PRIVATE = "person 8214 at 37.5"
CODES = {
    errors.SpecError: 2,
    dp_errors.PolicyError: 2,
    errors.SourceError: 3,
    errors.ZoneError: 3,
    dp_errors.BudgetRefused: 4,
    dp_errors.PolicyMismatch: 4,
    dp_errors.LedgerFault: 5,
    dp_errors.LedgerBusy: 5,
    dp_errors.DiskFull: 6,
    errors.ResourceError: 6,
    errors.EngineError: 1,
    errors.VerifyError: 7,
    errors.ExportError: 2,
    dp_errors.BoundError: 1,
}


def _failing(fault: BaseException, work: Path | None = None) -> typer.Typer:
    app = typer.Typer(cls=Guarded, pretty_exceptions_enable=False)

    @app.command()
    def fail() -> None:
        if work is not None:
            private_work(work)
        raise fault

    @app.command()
    def other() -> None:
        """Make the program one of several commands."""

    return app


@pytest.mark.parametrize("kind", CODES, ids=lambda kind: kind.__name__)
def test_each_error_has_its_exit_code_and_is_shown_as_written(
    kind: type[MurmurationError],
) -> None:
    text = "a.toml, tables[0] (visits): cap must be 1 or more, got [red]0[/]."
    result = CliRunner().invoke(_failing(kind(text)), ["fail"])
    assert result.exit_code == CODES[kind]
    assert result.stderr == f"error: {text}\n"
    assert result.stdout == ""


def test_every_error_of_the_project_is_in_this_list() -> None:
    known = {
        kind
        for module in (errors, dp_errors)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, MurmurationError)
    }
    # a plan turns TooManyCells into a refusal with its alternatives; it needs its key columns
    assert known - {MurmurationError, dp_errors.TooManyCells} == set(CODES)


def test_several_faults_are_several_lines() -> None:
    result = CliRunner().invoke(_failing(errors.SpecError("one\ntwo")), ["fail"])
    assert result.stderr == "error: one\nerror: two\n"


def test_an_interrupt_is_130() -> None:
    result = CliRunner().invoke(_failing(KeyboardInterrupt()), ["fail"])
    assert result.exit_code == 130
    assert result.stderr.startswith("error: interrupted")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_is_6_and_names_the_file(number: int) -> None:
    result = CliRunner().invoke(_failing(OSError(number, "words", "some/file")), ["fail"])
    assert result.exit_code == 6
    assert result.stderr.startswith("error: some/file: ")
    assert result.stderr.endswith("run the same command again\n")


def test_another_fault_of_the_system_is_a_fault_of_the_program() -> None:
    result = CliRunner().invoke(_failing(OSError(errno.EBADF, PRIVATE)), ["fail"])
    assert result.exit_code == 1
    assert "8214" not in result.output


def test_too_little_memory_is_6() -> None:
    result = CliRunner().invoke(_failing(MemoryError()), ["fail"])
    assert result.exit_code == 6
    assert "memory_mb" in result.stderr


def test_an_unexpected_fault_shows_where_and_none_of_its_words() -> None:
    result = CliRunner().invoke(_failing(KeyError(PRIVATE)), ["fail"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: the program met a fault of its own: KeyError at ")
    assert "issue tracker" in result.stderr
    assert "8214" not in result.output
    assert len(result.stderr.splitlines()) == 1


def test_its_traceback_goes_to_the_private_folder_only(tmp_path: Path) -> None:
    work = tmp_path / "work"
    result = CliRunner().invoke(_failing(ValueError(PRIVATE), work), ["fail"])
    log = work / "errors.log"
    assert PRIVATE in log.read_text(encoding="utf-8")
    assert PRIVATE not in result.output
    assert str(log) in result.stderr.replace("\n", "")
    if os.name == "posix":
        assert log.stat().st_mode & 0o777 == 0o600
        assert work.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_the_log_never_follows_a_link_out_of_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    work = tmp_path / "work"
    work.mkdir()
    (work / "errors.log").symlink_to(outside)
    result = CliRunner().invoke(_failing(ValueError(PRIVATE), work), ["fail"])
    assert result.exit_code == 1
    assert not outside.exists()


def test_a_folder_that_was_known_before_is_forgotten(tmp_path: Path) -> None:
    work = tmp_path / "work"
    CliRunner().invoke(_failing(ValueError("first"), work), ["fail"])
    CliRunner().invoke(_failing(ValueError("second")), ["fail"])
    assert "second" not in (work / "errors.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("variable", ["MURMURATION_TRACEBACK", "_TYPER_STANDARD_TRACEBACK"])
def test_no_variable_of_the_environment_shows_a_traceback(tmp_path: Path, variable: str) -> None:
    code = (
        "import pipelines.cli.init as command\n"
        "import pipelines.spec.templates as templates\n"
        f"def fail(*_): raise ValueError({PRIVATE!r})\n"
        "templates.write_templates = fail\n"
        "from pipelines.cli.app import main\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "init"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {variable: "1"},
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: the program met a fault of its own: ValueError")
    assert "8214" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_users_mistake_in_a_real_process_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli.app", "plan", "no where.toml"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: no where.toml does not exist. Write the path of a release spec; "
        "`murmuration init` makes one.\n"
    )

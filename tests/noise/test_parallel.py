"""Noise on several cores: every cell drawn once, no state shared, a fault leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dp.bounds import Bounds
from dp.loss import Rho
from dp.mechanisms import Mechanism, _opendp, gaussian, laplace
from dp.mechanisms._opendp import CHUNK_CELLS

ONE = Bounds(l0=1, l1=1, l2_squared=1, linf=1)
CHUNKS = 8
ODD = 17  # the last chunk is not whole
Ints = NDArray[np.int64]


@pytest.fixture
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dp.mechanisms.mechanism._cores", lambda: 4)


class Watched:
    """OpenDP's measurement, and what is to happen before it draws a chunk."""

    def __init__(self, real: Any, first: Callable[[Ints], object]) -> None:
        self.map, self._real, self._first = real.map, real, first

    def __call__(self, totals: Ints) -> Any:
        self._first(totals)
        return self._real(totals)


def _watch(monkeypatch: pytest.MonkeyPatch, first: Callable[[Ints], object]) -> None:
    real = _opendp._measurement
    monkeypatch.setattr(_opendp, "_measurement", lambda *law: Watched(real(*law), first))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads that drew, one for each chunk."""
    names: list[str] = []
    _watch(monkeypatch, lambda _: names.append(threading.current_thread().name))
    return names


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize("make", [gaussian, laplace])
def test_every_cell_keeps_its_place_and_gets_noise(
    make: Callable[..., Mechanism], seen: list[str]
) -> None:
    mechanism = make(ONE, Rho.of("1/200"))
    totals = np.arange(CHUNKS * CHUNK_CELLS + ODD, dtype=np.int64) * 1_000_000
    noise = mechanism.draw(totals) - totals
    assert np.abs(noise).max() < 400, "a cell of another place would be a million away"
    assert np.mean(noise == 0) < 0.06, "a cell that was left out would keep its total"
    assert len(seen) == CHUNKS + 1
    assert 2 <= len(set(seen)) <= 4


@pytest.mark.usefixtures("four_cores")
def test_threads_draw_the_stated_law(fit: Callable[..., tuple[float, float]]) -> None:
    mechanism = gaussian(ONE, Rho.of("1/200"))
    noise = mechanism.draw(np.zeros(CHUNKS * CHUNK_CELLS, dtype=np.int64))
    assert min(fit(noise, mechanism.law.kind, mechanism.law.scale)) > 1e-7
    assert max(fit(noise, mechanism.law.kind, mechanism.law.scale * 1.1)) < 1e-12


@pytest.mark.usefixtures("four_cores")
def test_no_two_chunks_share_noise() -> None:
    noise = gaussian(ONE, Rho.of("1/200")).draw(np.zeros(CHUNKS * CHUNK_CELLS, dtype=np.int64))
    chunks = list(noise.reshape(CHUNKS, CHUNK_CELLS))
    for left, right in combinations(chunks, 2):
        assert abs(np.corrcoef(left, right)[0, 1]) < 6 / CHUNK_CELLS**0.5
        assert np.mean(left == right) < 0.05  # 0.028 by chance
    starts = {tuple(chunk[:50]) for chunk in chunks}
    assert len(starts) == CHUNKS, "a generator that two threads share would start alike"


@pytest.mark.usefixtures("four_cores")
def test_a_chunk_that_fails_fails_the_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def fail(totals: Ints) -> None:
        drawn.append(int(totals[0]))
        if totals[0] == 3 * CHUNK_CELLS:
            raise RuntimeError("the generator is out of order")

    _watch(monkeypatch, fail)
    with pytest.raises(RuntimeError, match="out of order"):
        gaussian(ONE, Rho.of("1/200")).draw(np.arange(40 * CHUNK_CELLS, dtype=np.int64))
    assert len(drawn) < 40, "chunks that had not begun are given up"
    assert not [one for one in threading.enumerate() if one.name.startswith("noise")]


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize(("threads", "cells"), [(1, 3 * CHUNK_CELLS), (None, CHUNK_CELLS)])
def test_one_thread_or_one_chunk_needs_no_other(
    threads: int | None, cells: int, seen: list[str]
) -> None:
    gaussian(ONE, Rho.of("1/200")).draw(np.zeros(cells, dtype=np.int64), threads=threads)
    assert set(seen) == {threading.current_thread().name}


def test_threads_are_never_more_than_the_cores(
    monkeypatch: pytest.MonkeyPatch, seen: list[str]
) -> None:
    monkeypatch.setattr("dp.mechanisms.mechanism._cores", lambda: 2)
    totals = np.zeros(CHUNKS * CHUNK_CELLS, dtype=np.int64)
    gaussian(ONE, Rho.of("1/200")).draw(totals, threads=64)
    assert len(set(seen)) <= 2


FORKED = """
import os
import numpy as np
from dp.bounds import Bounds
from dp.loss import Rho
from dp.mechanisms import gaussian

noise = gaussian(Bounds(l0=1, l1=1, l2_squared=1, linf=1), Rho.of("1/20000"))
zeros = np.zeros(400, dtype=np.int64)
noise.draw(zeros)  # the generator has state before the fork
child = os.fork()
drawn = noise.draw(zeros)
os.write(1, (" ".join(map(str, drawn)) + "\\n").encode())  # one write: lines stay whole
if child:
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(sys, "getdlopenflags"), reason="only Unix forks")
def test_a_forked_process_does_not_repeat_its_parents_noise() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED], capture_output=True, text=True, check=True, timeout=60
    )
    parent, child = (np.array(line.split(), dtype=np.int64) for line in done.stdout.splitlines())
    assert parent.size == child.size == 400
    assert np.mean(parent == child) < 0.1  # 0.003 by chance
    assert abs(np.corrcoef(parent, child)[0, 1]) < 6 / 20


# processes for long vectors

CELLS = 60_000


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dp.mechanisms.mechanism._cores", lambda: 2)
    monkeypatch.setattr(_opendp, "PROCESS_CELLS", CELLS)


@pytest.mark.usefixtures("processes")
def test_processes_keep_places_and_repeat_nobodys_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_opendp, "_by_threads", None)
    mechanism = gaussian(ONE, Rho.of("1/1000"))
    totals = np.arange(CELLS, dtype=np.int64) * 10_000
    one, two = (mechanism.draw(totals) - totals for _ in range(2))
    sd = mechanism.law.sd
    for noise in (one, two):
        assert np.abs(noise).max() < 8 * sd
        assert abs(noise.std() / sd - 1) < 5 / np.sqrt(2 * CELLS)
        assert abs(noise.mean()) < 5 * sd / np.sqrt(CELLS)
    halves = [*np.array_split(one, 2), *np.array_split(two, 2)]
    for a, b in combinations(halves, 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / np.sqrt(CELLS / 2)


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("fault", ["cannot start", "dies", "answers in part"])
def test_where_a_process_fails_threads_draw_everything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, fault: str
) -> None:
    stand_in = tmp_path / "python"
    last = {"dies": "exit 3", "answers in part": "head -c 80"}.get(fault)
    if last is not None:
        stand_in.write_text(f"#!/bin/sh\n{last}\n")
        stand_in.chmod(0o755)
    monkeypatch.setattr(_opendp.sys, "executable", str(stand_in))
    mechanism = gaussian(ONE, Rho.of("1/1000"))
    totals = np.arange(CELLS, dtype=np.int64) * 10_000
    noise = mechanism.draw(totals) - totals
    assert 0 < np.abs(noise).max() < 8 * mechanism.law.sd
    assert np.count_nonzero(noise) > CELLS * 9 // 10


@pytest.mark.usefixtures("processes")
def test_one_thread_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_opendp, "_by_processes", None)
    mechanism = gaussian(ONE, Rho.of("1/1000"))
    assert mechanism.draw(np.zeros(CELLS, dtype=np.int64), threads=1).size == CELLS

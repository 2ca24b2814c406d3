"""The one file that imports opendp: costs and draws.

OpenDP is imported when first needed (0.1 s): its prelude would take ten times as long. Only what is
used is asked for: integer vectors, whose samplers are exact and whose noise lies on the integers.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, assert_never

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dp.bounds import Bounds
    from dp.law import NoiseKind

CHUNK_CELLS = 25_000
"""Cells drawn at a time, a quarter of a second: OpenDP answers with a Python list."""
_FEWEST_CHUNKS = 2
PROCESS_CELLS = 2_000_000
"""Cells from which on processes pay: each takes a third of a second to start."""


@lru_cache(maxsize=256)
def _measurement(kind: NoiseKind, scale: float) -> Any:
    """Return OpenDP's measurement over vectors of 64-bit integers."""
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_gaussian, make_laplace
    from opendp.metrics import l1_distance, l2_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    vectors = vector_domain(atom_domain(T="i64"))
    if kind == "discrete_gaussian":
        return make_gaussian(vectors, l2_distance(T="f64"), scale=scale)
    if kind == "discrete_laplace":
        return make_laplace(vectors, l1_distance(T="i64"), scale=scale)
    assert_never(kind)


def rho(kind: NoiseKind, scale: float, bounds: Bounds) -> Fraction:
    """Return what OpenDP's map says that noise of this scale costs, as the exact rho.

    The Gaussian's map gives rho for the L2 bound. The Laplace's gives the epsilon of pure DP for
    the L1 bound, and epsilon-DP is epsilon^2 / 2 zCDP (Bun and Steinke 2016, Proposition 1.4).
    """
    measurement = _measurement(kind, scale)
    if kind == "discrete_gaussian":
        return Fraction(measurement.map(bounds.l2))
    return Fraction(measurement.map(bounds.l1)) ** 2 / 2


def threshold_delta(kind: NoiseKind, scale: float, bounds: Bounds, *, threshold: int) -> Fraction:
    """Return the exact delta of releasing a listed cell where it is ``threshold`` or more.

    OpenDP's map leaves out the noise that lands on the threshold itself, so it reports too small a
    delta (opendp/opendp issue 2922). Its answer at ``threshold - 1`` counts that noise too. Only
    the map is asked: values are drawn by ``add_noise`` and compared by ``threshold.py``.
    """
    from opendp.domains import atom_domain, map_domain
    from opendp.measurements import make_gaussian_threshold, make_laplace_threshold
    from opendp.metrics import absolute_distance, l01inf_distance, l02inf_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    cells = map_domain(atom_domain(T="i64"), atom_domain(T="i64"))
    measurement: Any
    if kind == "discrete_gaussian":
        apart = l02inf_distance(absolute_distance(T="f64"))
        measurement = make_gaussian_threshold(cells, apart, scale=scale, threshold=threshold - 1)
        return Fraction(measurement.map((bounds.l0, bounds.l2, float(bounds.linf)))[1])
    apart = l01inf_distance(absolute_distance(T="i64"))
    measurement = make_laplace_threshold(cells, apart, scale=scale, threshold=threshold - 1)
    return Fraction(measurement.map((bounds.l0, bounds.l1, bounds.linf))[1])


def add_noise(
    kind: NoiseKind, scale: float, totals: NDArray[np.int64], *, threads: int
) -> NDArray[np.int64]:
    """Return ``totals`` plus independent noise in every cell; int64, same shape (cells,).

    OpenDP lets go of Python's lock while it draws, so threads use every core; each of OpenSSL's
    threads has a generator of its own. Chunks keep the Python lists of OpenDP's answers small.

    Long vectors are drawn by a process a core, which takes a sixth less time. Each is a program of
    its own and no fork, so that its generator is seeded by the operating system; totals and
    answers go through pipes. Where one cannot run or does not answer in full, what the others drew
    is thrown away unseen and threads draw everything.

    Raises:
        OpenDPException: a chunk failed. No chunk is returned.
    """
    if threads > 1 and totals.size >= PROCESS_CELLS:
        found = _by_processes(kind, scale, totals, processes=threads)
        if found is not None:
            return found
    return _by_threads(kind, scale, totals, threads=threads)


def _by_processes(
    kind: NoiseKind, scale: float, totals: NDArray[np.int64], *, processes: int
) -> NDArray[np.int64] | None:
    """Return noisy totals from processes that run this very file; None where one failed."""
    command = [sys.executable, "-P", __file__, kind, scale.hex()]

    def drawn(part: NDArray[np.int64]) -> bytes:
        done = subprocess.run(  # noqa: S603  this file, under the Python that runs it
            command,
            input=part.tobytes(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        return done.stdout

    try:
        with ThreadPoolExecutor(processes, thread_name_prefix="noise") as pool:
            answers = b"".join(pool.map(drawn, np.array_split(totals, processes)))
    except (OSError, subprocess.SubprocessError):
        return None
    if len(answers) != totals.nbytes:
        return None
    return np.frombuffer(answers, dtype=np.int64).copy()


def _by_threads(
    kind: NoiseKind, scale: float, totals: NDArray[np.int64], *, threads: int
) -> NDArray[np.int64]:
    noisy = np.empty(totals.shape, dtype=np.int64)

    def fill(start: int) -> None:
        part = slice(start, start + CHUNK_CELLS)
        writable = np.array(totals[part], dtype=np.int64, order="C")  # read-only is not taken
        noisy[part] = measurement(writable)

    measurement = _measurement(kind, scale)
    starts = range(0, totals.size, CHUNK_CELLS)
    if len(starts) < _FEWEST_CHUNKS or threads == 1:
        for start in starts:
            fill(start)
        return noisy
    pool = ThreadPoolExecutor(threads, thread_name_prefix="noise")
    try:
        for _ in pool.map(fill, starts):
            pass
    finally:
        pool.shutdown(cancel_futures=True)
    return noisy


def _answer() -> None:
    """Read totals, write them with noise: what a process does that ``_by_processes`` started."""
    kind: Any
    kind, scale = sys.argv[1:]
    totals = np.frombuffer(sys.stdin.buffer.read(), dtype=np.int64)
    noisy = _by_threads(kind, float.fromhex(scale), totals, threads=1)
    sys.stdout.buffer.write(noisy.tobytes())


if __name__ == "__main__":
    _answer()

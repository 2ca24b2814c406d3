"""Statements side by side: each as soon as the relations that it reads are there.

Many statements over one bucket are too small to keep every core busy alone. Which of them runs
first shows in no result: each makes a relation of its own, or adds rows to the partial totals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import duckdb

from pipelines.engines.contract import Resources

_MOST = 4
_LANE_MB = 512
_AGAIN_S = 0.05


@dataclass(frozen=True, slots=True)
class Step:
    """One statement.

    Attributes:
        sql: The statement.
        reads: Names of the relations that it waits for.
        makes: Name of the relation that it makes; "" for none.
    """

    sql: str
    reads: frozenset[str]
    makes: str = ""


def reads(sql: str, relations: Sequence[str]) -> frozenset[str]:
    """Return which of some relations a statement names; one too many costs a wait, no more."""
    return frozenset(name for name in relations if re.search(rf"\b{name}\b", sql))


def lanes(resources: Resources, *, threads: int) -> int:
    """Return how many statements may run at once: each needs memory of its own."""
    return max(1, min(_MOST, threads, resources.memory_mb // _LANE_MB))


def run_steps(con: duckdb.DuckDBPyConnection, steps: Sequence[Step], *, many: int) -> None:
    """Run all steps, at most ``many`` at once; of those that may start the first in order does.

    Every relation that a step reads is made by a step before it, or was there already. An error or
    an interrupt ends what runs, starts nothing more, and is raised once all have ended.
    """
    if many == 1:
        for step in steps:
            con.execute(step.sql)
        return
    cursors = [con.cursor() for _ in range(many)]
    due = {step.makes for step in steps if step.makes}
    waiting, running = list(steps), dict[Future[object], tuple[Step, duckdb.DuckDBPyConnection]]()
    with ThreadPoolExecutor(many) as pool:
        try:
            while waiting or running:
                for step in [one for one in waiting if not one.reads & due][: len(cursors)]:
                    cursor = cursors.pop()
                    running[pool.submit(cursor.execute, step.sql)] = step, cursor
                    waiting.remove(step)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    step, cursor = running.pop(future)
                    cursors.append(cursor)
                    future.result()
                    due.discard(step.makes)
        finally:
            _end(running)
            for cursor in [*cursors, *(cursor for _, cursor in running.values())]:
                cursor.close()


def _end(running: Mapping[Future[object], tuple[Step, duckdb.DuckDBPyConnection]]) -> None:
    """Interrupt what runs until all has ended: one that has not begun yet does not hear it."""
    left = set(running)
    while left:
        for future in left:
            running[future][1].interrupt()
        left = wait(left, timeout=_AGAIN_S).not_done

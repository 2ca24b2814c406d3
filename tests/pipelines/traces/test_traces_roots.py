"""The whole root is exact for every distance on earth, without a float."""

from __future__ import annotations

import math
import random

import duckdb
import pyarrow as pa
import pytest

from pipelines.traces import roots

LARGEST = 1_800_000_000


def found(pairs: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    with duckdb.connect() as con:
        a, b = (pa.array(column, pa.int64()) for column in zip(*pairs, strict=True))
        con.register("pairs", pa.table({"a": a, "b": b}))
        sql = roots.root_sql("pairs", columns="a, b", a="a", b="b", name="root")
        return con.execute(sql).fetchall()


def wrong(pairs: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    return [(a, b, root) for a, b, root in found(pairs) if root != math.isqrt(a * a + b * b)]


def test_small_numbers_have_exact_roots() -> None:
    assert wrong([(a, b) for a in range(300) for b in range(300)]) == []


def test_numbers_of_every_size_up_to_half_the_earth_have_exact_roots() -> None:
    draw = random.Random(5)
    sizes = [10**k for k in range(1, 10)] + [LARGEST]
    pairs = [
        (draw.randrange(s), draw.randrange(t)) for s in sizes for t in sizes for _ in range(60)
    ]
    edge = [(LARGEST, LARGEST), (LARGEST, 0), (0, LARGEST), (LARGEST, 1), (LARGEST - 1, LARGEST)]
    # squares and their neighbours, where a root that is off by one shows
    triples = [(3 * k, 4 * k) for k in (1, 7, 10**6, 359_999_999)]
    near = [(a + i, b + j) for a, b in triples for i in (-1, 0, 1) for j in (-1, 0, 1)]
    assert wrong(pairs + edge + near) == []


def test_fewer_steps_would_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roots, "STEPS", 2)
    assert wrong([(LARGEST, LARGEST // 2), (10**9, 10**9 // 2)])

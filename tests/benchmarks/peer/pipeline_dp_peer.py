"""PipelineDP on its local backend: at most 8 cells a person, one row in each, public keys."""

from __future__ import annotations

from collections.abc import Callable


def load() -> Callable[[str], int]:
    import pipeline_dp
    import pyarrow.parquet as pq

    cells = [zone * 24 + hour for zone in range(2000) for hour in range(24)]

    def work(file: str) -> int:
        visits = pq.read_table(file)
        columns = (visits[name].to_pylist() for name in ("person", "zone", "hour"))
        rows = [(person, zone * 24 + hour) for person, zone, hour in zip(*columns, strict=True)]
        accountant = pipeline_dp.NaiveBudgetAccountant(total_epsilon=1, total_delta=1e-6)
        engine = pipeline_dp.DPEngine(accountant, pipeline_dp.LocalBackend())
        counts = engine.aggregate(
            rows,
            pipeline_dp.AggregateParams(
                noise_kind=pipeline_dp.NoiseKind.GAUSSIAN,
                metrics=[pipeline_dp.Metrics.COUNT],
                max_partitions_contributed=8,
                max_contributions_per_partition=1,
            ),
            pipeline_dp.DataExtractors(
                privacy_id_extractor=lambda row: row[0],
                partition_extractor=lambda row: row[1],
                value_extractor=lambda _: 0,
            ),
            public_partitions=cells,
        )
        accountant.compute_budgets()
        return len(list(counts))

    return work

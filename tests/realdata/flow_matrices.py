"""Real flow matrices, and what estimates are compared with: shared by a test and a benchmark.

The parts of the method (gravity by margins and mean distance, a mixture prior) have no constant
fitted to these matrices. They were looked at once while it was made: a single prior variance lost
to the threshold on New York at sd 17, which is why the prior is a mixture. Gyeonggi was first run
when everything was fixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from pipelines.models.draws import plausible_counts
from pipelines.models.gravity import distances_m, shrink_flows
from pipelines.models.integers import fit_total, round_to

GYEONGGI = {
    "31010": "수원", "31020": "성남", "31030": "의정부", "31040": "안양", "31050": "부천",
    "31060": "광명", "31070": "평택", "31080": "동두천", "31090": "안산", "31100": "고양",
    "31110": "과천", "31120": "구리", "31130": "남양주", "31140": "오산", "31150": "시흥",
    "31160": "군포", "31170": "의왕", "31180": "하남", "31190": "용인", "31200": "파주",
    "31210": "이천", "31220": "안성", "31230": "김포", "31240": "화성", "31250": "광주",
    "31260": "양주", "31270": "포천", "31280": "여주", "31550": "연천", "31570": "가평",
    "31580": "양평",
}  # fmt: skip

DRAWS = 60


@dataclass(frozen=True)
class Matrix:
    """A true matrix (row = origin, diagonal left out) and distances, None where no map is given."""

    name: str
    flows: np.ndarray
    apart: np.ndarray | None


def matrices(folder: Path) -> list[Matrix]:
    """Return the matrices, whole and thinned to a panel of one person in ten."""
    york, korea = _new_york(folder), _korea(folder)
    rng = np.random.default_rng(10)
    whole = [york, korea, _gyeonggi(folder)]
    thin = [
        Matrix(f"{one.name}, 10% panel", rng.binomial(one.flows.astype(int), 0.1) * 1.0, one.apart)
        for one in whole
    ]
    return whole + thin


def compared(one: Matrix, *, sd: float, seed: int) -> dict[str, float]:
    """Return the RMSE of each way to treat a noisy matrix, and its change of the total."""
    measured = ~np.eye(len(one.flows), dtype=bool)
    noise = np.round(np.random.default_rng(seed).normal(0.0, sd, one.flows.shape))
    noisy = np.where(measured, one.flows + noise, 0.0)
    known, _ = shrink_flows(noisy, sd=sd, measured=measured, distance_m=one.apart)
    ours = np.zeros(noisy.shape)
    total = max(round(noisy.sum()), 0)
    fitted = fit_total(known.mean[measured], float(total), variance=known.sd[measured] ** 2)
    ours[measured] = round_to(fitted, total)
    ways = {
        "raw": noisy,
        "clipped": np.clip(noisy, 0.0, None),
        "threshold": np.where(noisy > 3 * sd, noisy, 0.0),
        "ours": ours,
    }
    found = {name: _rmse(way, one.flows, measured) for name, way in ways.items()}
    found |= {f"{name} total": way.sum() / one.flows.sum() - 1 for name, way in ways.items()}
    small = measured & (one.flows < 20)
    found |= {f"{name} small": _rmse(way, one.flows, small) for name, way in ways.items()}
    inside = (known.lo <= one.flows) & (one.flows <= known.hi)
    rng = np.random.default_rng(seed)
    cells, truth = known.at(measured), one.flows[measured]
    drawn = [plausible_counts(cells.mean, cells.sd, cells.zero, rng=rng) for _ in range(DRAWS)]
    low, high = np.quantile(np.array(drawn), [0.025, 0.975], axis=0)
    likely = (low <= truth) & (truth <= high)
    empty = measured & (one.flows == 0)
    return found | {
        "covered": float(inside[measured].mean()),
        "covered above 0": float(inside[measured & (one.flows > 0)].mean()),
        "empty": float(empty.sum() / measured.sum()),
        "drawn": float(likely.mean()),
        "width": float((known.hi - known.lo)[measured].mean()),
    }


def _rmse(found: np.ndarray, truth: np.ndarray, where: np.ndarray) -> float:
    return float(np.sqrt(np.mean((found - truth)[where] ** 2)))


def _new_york(folder: Path) -> Matrix:
    zones = gpd.read_file(folder / "ny_commuting" / "NY_counties_2011.geojson")
    zones = zones.assign(tile_id=zones["tile_id"].astype(str)).sort_values("tile_id")
    rows = pd.read_csv(
        folder / "ny_commuting" / "NY_commuting_flows_2011.csv",
        dtype={"origin": str, "destination": str},
    )
    ids = list(zones["tile_id"])
    wide = rows.pivot_table(
        index="origin", columns="destination", values="flow", aggfunc="sum", fill_value=0
    ).reindex(index=ids, columns=ids, fill_value=0)
    return Matrix("New York commuting, 62 counties", _off_diagonal(wide), _apart(zones))


def _korea(folder: Path) -> Matrix:
    wide = _korean_table(folder)
    return Matrix("Korea trips, 159 si/gun, no distances", _off_diagonal(wide), None)


def _gyeonggi(folder: Path) -> Matrix:
    codes = list(GYEONGGI)
    wide = _korean_table(folder).loc[codes, codes]
    zones = gpd.read_file(folder / "gyeonggi" / "gyeonggi_sigungu_2022.geojson").to_crs(4326)
    named = zones.assign(
        code=zones["SGGNM"].map(
            lambda name: next(code for code, start in GYEONGGI.items() if name.startswith(start))
        )
    )
    united = named[["code", "geometry"]].dissolve("code").loc[codes]
    return Matrix("Gyeonggi trips, 31 si/gun", _off_diagonal(wide), _apart(united))


def _korean_table(folder: Path) -> pd.DataFrame:
    table = pq.read_table(folder / "korea_od" / "OD_SiGun.parquet").to_pandas()
    wide = table.set_index(table["sourceunit"].astype(str)).drop(
        columns=["sourceunit", "sourceunit_nm"]
    )
    wide.columns = wide.columns.astype(str)
    return wide.loc[list(wide.columns)].round()


def _off_diagonal(wide: pd.DataFrame) -> np.ndarray:
    flows = np.array(wide.to_numpy(dtype=np.float64))
    np.fill_diagonal(flows, 0.0)
    return flows


def _apart(zones: gpd.GeoDataFrame) -> np.ndarray:
    points = zones.geometry.representative_point()
    return distances_m(points.y.to_numpy(), points.x.to_numpy())

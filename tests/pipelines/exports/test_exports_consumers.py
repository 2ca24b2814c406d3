"""Each format is read back by the software that it is for, where that is installed.

epydemix and scikit-mobility need library versions of their own. Install them in an environment of
their own and name its interpreter in MURMURATION_EPYDEMIX_PYTHON or MURMURATION_SKMOB_PYTHON. Read
by epydemix 1.5.0 on Python 3.11, and by scikit-mobility 1.3.1 on Python 3.9, which needs
``"numpy<1.24" "shapely<2" "scikit-learn<1.4" "fiona<1.10"`` beside it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from export_desk import MISSING, PAIRS, ZONES, make_folder, plain, structural

from pipelines.exports._run import export

Known = tuple[Path, dict[tuple[str, ...], str], dict[tuple[str, ...], float]]


@pytest.fixture
def known(tmp_path: Path) -> Known:
    statuses, values = plain()
    statuses |= {cell: "ok" for cell in statuses if cell[:2] == ("od_flows", "2026-03-03")}
    return make_folder(tmp_path / "town-0001", statuses=statuses, values=values), statuses, values


def _python(module: str, variable: str) -> str:
    named = os.environ.get(variable)
    if named:
        return named
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed; {variable} may name a Python that has it")
    return sys.executable


def _told(command: list[str], *, folder: Path) -> Any:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def _flow(known: Known, cell: tuple[str, ...]) -> float | None:
    _, statuses, values = known
    if structural(cell):
        return 0.0
    return None if statuses[cell] in MISSING else max(values[cell], 0.0)


EPYDEMIX = """
import json
from pathlib import Path
from epydemix import EpiModel
from epydemix.population import load_epydemix_population
population = load_epydemix_population(
    population_name="town-0001", path_to_data=".", attribute="zone",
    contacts_source="murmuration", layers=["mobility_clipped_at_0"])
population.validate()
model = EpiModel(name="SIR", compartments=["S", "I", "R"])
model.set_population(population)
model.add_transition(source="S", target="I", params=(0.3, "I"), kind="mediated")
model.add_transition(source="I", target="R", params=0.1, kind="spontaneous")
ran = model.run_simulations(start_date="2026-03-02", end_date="2026-03-12", Nsim=2)
layer = population.contact_matrices["mobility_clipped_at_0"]
print(json.dumps({"names": list(map(str, population.Nk_names)), "people": population.Nk.tolist(),
                  "layer": layer.tolist(), "runs": len(ran.trajectories)}))
"""


def test_epydemix_loads_the_population_and_runs(known: Known) -> None:
    python = _python("epydemix", "MURMURATION_EPYDEMIX_PYTHON")
    made = export(known[0], to="epydemix", clip=True)
    told = _told([python, "-c", EPYDEMIX], folder=made)
    assert told["people"] == [100, 200, 300]
    assert told["runs"] == 2
    for row in told["layer"]:
        assert sum(row) == pytest.approx(1.0)
    # orientation: row 0 is trips that leave zone 0
    _, statuses, values = known
    for i, origin in enumerate(ZONES):
        means = []
        for destination in ZONES:
            cells = [("od_flows", day, origin, destination) for day in ("2026-03-02", "2026-03-03")]
            held = [
                0.0 if structural(c) else values[c]
                for c in cells
                if structural(c) or statuses[c] not in MISSING
            ]
            means.append(max(sum(held) / len(held), 0.0))
        assert told["layer"][i] == pytest.approx([mean / sum(means) for mean in means])


SKMOB = """
import json, warnings
warnings.simplefilter("ignore")
import geopandas as gpd, pandas as pd
from skmob import FlowDataFrame
tiles = gpd.read_file("tessellation.geojson")
flows = pd.read_csv("flows.csv", dtype={"origin": str, "destination": str}, keep_default_na=False,
                    na_values={"flow_clipped_at_0": "NA", "sd": "NA"})
fdf = FlowDataFrame(flows.dropna(subset=["flow_clipped_at_0"]), flow="flow_clipped_at_0",
                    tessellation=tiles, tile_id="tile_ID")
print(json.dumps({"columns": list(fdf.columns), "tiles": fdf.tessellation["tile_ID"].tolist(),
                  "rows": [[str(r.datetime)[:10], r.origin, r.destination, r.flow]
                           for r in fdf.itertuples()]}))
"""


def test_scikit_mobility_builds_a_flow_data_frame(known: Known) -> None:
    python = _python("skmob", "MURMURATION_SKMOB_PYTHON")
    told = _told([python, "-c", SKMOB], folder=export(known[0], to="skmob", clip=True))
    assert told["tiles"] == list(ZONES)
    found = {("od_flows", *row[:3]): row[3] for row in told["rows"]}
    wanted = {cell: _flow(known, cell) for cell in PAIRS}
    assert found == {cell: flow for cell, flow in wanted.items() if flow is not None}


R = """
source("load.R")
x <- load_mobility(".", "2026-03-02")
stopifnot(identical(names(x), c("M", "D", "N")), is.numeric(x$M), is.matrix(x$M),
          identical(names(dimnames(x$M)), c("origin", "destination")),
          identical(rownames(x$M), names(x$N)), identical(dimnames(x$M), dimnames(x$D)),
          all(diag(x$D) == 0), isSymmetric(unname(x$D)))
cells <- ifelse(is.na(t(x$M)), "null", format(t(x$M), scientific = FALSE, trim = TRUE))
ids <- paste0('"', gsub('"', '\\\\\\\\"', rownames(x$M)), '"', collapse = ",")
cat(sprintf('{"M":[%s],"ids":[%s],"N":[%s],"km":%s}\\n', paste(cells, collapse = ","), ids,
            paste(x$N, collapse = ","), format(x$D[1, 2])))
"""


def test_r_reads_the_list_of_the_package_mobility(known: Known, tmp_path: Path) -> None:
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed: there is no Rscript on the path")
    made = export(known[0], to="r-mobility", clip=True)
    script = tmp_path / "read.R"
    script.write_text(R, encoding="utf-8")
    told = _told(["Rscript", "--vanilla", str(script)], folder=made)
    assert told["ids"] == list(ZONES)
    assert told["N"] == [100, 200, 300]
    assert told["km"] == pytest.approx(8.9, abs=0.1)  # 0.1 degrees of longitude at 37 north
    assert told["M"] == [_flow(known, cell) for cell in PAIRS if cell[1] == "2026-03-02"]


def test_geopandas_and_duckdb_read_the_same_geoparquet(known: Known) -> None:
    import duckdb
    import geopandas as gpd

    made = export(known[0], to="geoparquet")
    visits = gpd.read_parquet(made / "visits.parquet")
    assert visits.crs == "OGC:CRS84"
    assert visits.geometry.iloc[0].bounds == pytest.approx((127.0, 37.0, 127.1, 37.1))
    presence = gpd.read_parquet(made / "presence.parquet")
    assert str(presence["bin_start"].dt.tz) == "Asia/Seoul"
    lines = gpd.read_parquet(made / "od_flows.parquet")
    row = lines[(lines["origin"] == "007") & (lines["destination"] == "NA")].iloc[0]
    assert row.geometry.coords[0][0] < row.geometry.coords[-1][0]
    path = str(made / "visits.parquet")
    gone = duckdb.execute("SELECT count(*) FROM read_parquet(?) WHERE value IS NULL", [path])
    assert gone.fetchall() == [(int(visits["value"].isna().sum()),)]
    assert visits["value"].isna().sum() == visits["status"].isin(list(MISSING)).sum() > 0


def test_columns_that_are_documented_are_there(known: Known) -> None:
    od = export(known[0], to="od-csv") / "od.csv"
    assert od.read_text(encoding="utf-8").startswith(
        "date,hour,id_origin,id_destination,n_trips,sd,status\n2026-03-02,,007,007,0,0,"
    )
    day = export(known[0], to="covidcast") / "20260302_zone_visits.csv"
    assert day.read_text(encoding="utf-8").startswith(
        "geo_id,val,se,sample_size,missing_val,missing_se,missing_sample_size\n"
    )
    google = export(known[0], to="google-csv") / "mobility.csv"
    assert google.read_text(encoding="utf-8").startswith(
        "country_region_code,country_region,sub_region_1,sub_region_2,metro_area,iso_3166_2_code,"
        "census_fips_code,place_id,date,retail_and_recreation_percent_change_from_baseline,"
        "grocery_and_pharmacy_percent_change_from_baseline,parks_percent_change_from_baseline,"
        "transit_stations_percent_change_from_baseline,workplaces_percent_change_from_baseline,"
        "residential_percent_change_from_baseline,"
    )

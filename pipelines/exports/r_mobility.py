"""The R package mobility: trip matrix M, distances D and populations N."""

from __future__ import annotations

from pathlib import Path

from pipelines.exports._csv import numbers, write_csv
from pipelines.exports._export import Export
from pipelines.exports._source import Source

_LOAD = """\
# Returns list(M, D, N) of one date, as the R package mobility reads it. Base R only.
# folder: the folder of this file. date: "2026-03-02"; the first date when left out.
load_mobility <- function(folder = ".", date = NULL) {
  files <- sort(list.files(file.path(folder, "M"), full.names = TRUE))
  if (!is.null(date)) files <- files[startsWith(basename(files), date)]
  if (length(files) == 0) stop("no trips of this date here")
  table <- function(file) {
    read.csv(file, colClasses = "character", check.names = FALSE, na.strings = character())
  }
  square <- function(file) {
    x <- table(file)
    cells <- as.matrix(x[, -1, drop = FALSE])
    cells[cells == "NA"] <- NA
    matrix(as.numeric(cells), nrow(x),
           dimnames = list(origin = x[[1]], destination = names(x)[-1]))
  }
  people <- table(file.path(folder, "N.csv"))
  count <- people$population
  count[count == "NA"] <- NA
  list(M = square(files[1]), D = square(file.path(folder, "D.csv")),
       N = setNames(as.numeric(count), people$zone))
}
"""


def _write(source: Source, folder: Path) -> list[str]:
    from pipelines.exports._matrix import by_date, distances_km, square, whole

    flows, ids = source.flows(), source.ids
    (folder / "M").mkdir()
    frame = flows.frame
    frame = frame.assign(value=frame["whole"]) if flows.modelled else frame
    for date, values in by_date(frame, ids=ids):
        write_csv(folder / "M" / f"{date}{flows.suffix}.csv", square(whole(values), ids=ids))
    write_csv(folder / "D.csv", square(distances_km(source.zones), ids=ids))
    write_csv(folder / "N.csv", {"zone": ids, "population": numbers(source.zones["population"])})
    (folder / "load.R").write_text(_LOAD, encoding="utf-8", newline="\n")
    return [
        flows.remark,
        "M holds whole trips, because the package's Poisson likelihood takes no others.",
        (
            "The diagonal of M is 0 by definition: trips within a zone are not counted. Where a"
            " model would read it as people who stayed, set diag(M) <- NA first."
        ),
    ]


EXPORT = Export(
    name="r-mobility",
    summary="The R package mobility: trip counts M, distances D and populations N of each date.",
    needs="od_flows by pair alone, and for_models/od_flows or --clip",
    writes={
        "M/DATE.csv": "trips, one matrix a date; DATE_clipped_at_0.csv where clipped",
        "D.csv": "distances in km between a point inside each zone",
        "N.csv": "zone, population as declared, NA where it is not",
        "load.R": "gives list(M, D, N) in R",
    },
    orientation="row = origin, column = destination.",
    units="M: trips of the panel on the date; D: km; N: residents.",
    missing="The package reads NA as missing and 0 as zero, and so do these files.",
    read='source("load.R")\nmatrices <- load_mobility(".", "2026-03-02")',
    write=_write,
    nonnegative=True,
    source="Giles et al., R package mobility, data set mobility_matrices.",
)

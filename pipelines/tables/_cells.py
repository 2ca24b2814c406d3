"""A fixed public grid of cells of about 600 m over the whole earth, in whole numbers.

Rows are 54,000 / 10^7 degrees of latitude high (600.5 m). Two hundred rows make a band, and each
band divides the circle of its middle latitude into a whole number of equal columns as near to
600.5 m as it goes. Inside a band the true width changes with the cosine: at 60 degrees by 1.7% to
either side. The grid knows no zone, no city and no data: it is the same for every release.
"""

from __future__ import annotations

import math
from functools import cache

_ROW_E7 = 54_000
_ROWS_PER_BAND = 200
_BAND_E7 = _ROW_E7 * _ROWS_PER_BAND
_CIRCLE_E7 = 3_600_000_000
_POLE_E7 = 900_000_000
_COLUMNS = 2**17
_PPM = 1_000_000


@cache
def band_widths() -> tuple[int, ...]:
    """Return the width of a column in 10^-7 degrees of longitude, by band from the south pole."""
    bands = 2 * _POLE_E7 // _BAND_E7 + 1
    return tuple(_width(band) for band in range(bands))


def _width(band: int) -> int:
    south = band * _BAND_E7 - _POLE_E7
    middle = math.radians((south + min(south + _BAND_E7, _POLE_E7)) / 2 / 10_000_000)
    # Rounded to millionths first, so that no last bit of a cosine can move a cell.
    cosine_ppm = round(math.cos(middle) * _PPM)
    columns = max(1, _CIRCLE_E7 * cosine_ppm // _PPM // _ROW_E7)
    return -(-_CIRCLE_E7 // columns)


def corners_sql(relation: str) -> str:
    """Return a SELECT of ``(d, person, low, high)``: two cells (BIGINT) for each person and date.

    They are those of the south-west and the north-east corner of the box around the person's
    records, both by the columns of the south-west corner's band. They are equal exactly if all
    records lie in one cell: the row of a place never falls with its latitude, nor its column in one
    row with its longitude; and a number tells row and column, of which there are fewer than 2^17.

    The relation has ``lat_e7`` and ``lon_e7``. Nothing negative is divided, and the 180th meridian
    is one line: -180 and 180 degrees fall in one cell.
    """
    east = f"CASE WHEN lon_e7 = {_CIRCLE_E7 // 2} THEN {-(_CIRCLE_E7 // 2)} ELSE lon_e7 END"
    sides = ", ".join(
        f"CAST({least}({name}) AS BIGINT) + {origin} AS {side}"
        for least, name, origin, side in (
            ("MIN", "lat_e7", _POLE_E7, "south"),
            ("MAX", "lat_e7", _POLE_E7, "north"),
            ("MIN", "east", _CIRCLE_E7 // 2, "west_side"),
            ("MAX", "east", _CIRCLE_E7 // 2, "east_side"),
        )
    )
    bands = ", ".join(f"({band}, {width})" for band, width in enumerate(band_widths()))
    return (
        f"SELECT d, person, south // {_ROW_E7} * {_COLUMNS} + west_side // width AS low, "
        f"north // {_ROW_E7} * {_COLUMNS} + east_side // width AS high FROM ("
        f"SELECT d, person, {sides} FROM ("
        f"SELECT d, person, lat_e7, {east} AS east FROM {relation}) AS placed "
        "GROUP BY d, person) AS boxes "
        f"JOIN (VALUES {bands}) AS bands(band, width) ON south // {_BAND_E7} = band"
    )

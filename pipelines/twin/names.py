"""Made-up names and codes of zones. No such city exists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

CITY = "Garam"
_DISTRICT_CODES = {"Buk-gu": "99110", "Seo-gu": "99130", "Dong-gu": "99150"}
_STEMS = (
    "Haneul", "Byeolbit", "Sol", "Noeul", "Baram", "Iseul", "Dasom", "Narae", "Eunha", "Onnuri",
    "Hanbit", "Mirae", "Dalbit", "Haetsal", "Namu", "Yeoul", "Gaon", "Pureun", "Saemteo", "Nabi",
    "Duri", "Mulgyeol", "Sandeul", "Areum", "Gangbyeon", "Deulkkot", "Cheongsol", "Maru", "Hwarang",
    "Sijang", "Daehak", "Yeokjeon", "Gongdan", "Bomnae", "Saebyeok", "Dolgil",
)  # fmt: skip


def zone_names(districts: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return codes and names of zones in the given districts, in order; all distinct.

    >>> zone_names(["Buk-gu", "Buk-gu", "Seo-gu"])
    (('9911051000', '9911052000', '9913051000'), ('Haneul-dong', 'Byeolbit-dong', 'Sol-dong'))
    """
    codes, names = [], []
    seen: defaultdict[str, int] = defaultdict(int)
    few = len(districts) <= len(_STEMS)
    for i, district in enumerate(districts):
        part, stem = divmod(i, len(_STEMS))
        number = f"{510 + 10 * seen[district]}00" if few else f"{10_000 + seen[district]}"
        codes.append(_DISTRICT_CODES[district] + number)
        names.append(f"{_STEMS[stem]}{part + 1 if part else ''}-dong")
        seen[district] += 1
    return tuple(codes), tuple(names)

"""How many people of the panel were overnight in each place: the denominators."""

from __future__ import annotations

import numpy as np

from dp.postprocess import Best
from dp.postprocess.sums import NOWHERE, Sums, group_sums
from dp.tables import Noisy
from pipelines.derived._places import Level

OVERNIGHT = "overnight"


def residents(noisy: Noisy, level: Level) -> Sums:
    """Return the people by overnight place at a level, whatever the other keys say.

    Who has no overnight zone is left out.

    Args:
        noisy: A measurement with the key ``overnight``, zones first, in which a person counts 1.
        level: Where to add zones up.
    """
    beside = len(noisy.keys.keys[noisy.keys.position(OVERNIGHT)]) - len(level.place)
    moved = np.concatenate([level.place, np.full(beside, NOWHERE, dtype=np.int64)])
    return group_sums(noisy, moved[noisy.keys.codes(OVERNIGHT)], len(level.labels))


def panel_size(best: Best) -> Sums:
    """Return all people of the panel of a date, with or without an overnight zone; shape (1,)."""
    return best.sums(np.zeros(best.keys.size, dtype=np.int64), 1)

"""Random places in zones, and the zones that people are drawn to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipelines.twin.ground import metres

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.twin.ground import Ground

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


class Places:
    """A ground prepared for sampling: triangles by zone and distances between zones."""

    def __init__(self, ground: Ground) -> None:
        shapes = shapely.transform(np.array(ground.shapes), metres)
        parts, owner = shapely.get_parts(
            shapely.constrained_delaunay_triangles(shapes), return_index=True
        )
        corners = shapely.get_coordinates(parts).reshape(-1, 4, 2)[:, :3]
        self._corners: Floats = corners
        area = shapely.area(parts)
        per_zone = np.bincount(owner, weights=area, minlength=len(ground))
        self._steps = np.cumsum(area / per_zone[owner])
        self.residents, self.jobs, self.errands = ground.residents, ground.jobs, ground.errands
        away = ground.centres_m[:, None, :] - ground.centres_m[None, :, :]
        self._distance_m: Floats = np.hypot(away[..., 0], away[..., 1])

    def __len__(self) -> int:
        return len(self.residents)

    def inside(self, zone: Ints, rng: np.random.Generator) -> Floats:
        """Return a uniformly random place in each given zone; shape (n, 2), metres."""
        at = np.searchsorted(self._steps, zone + rng.random(len(zone)), side="right")
        corner = self._corners[np.minimum(at, len(self._corners) - 1)]
        root, other = np.sqrt(rng.random(len(zone))), rng.random(len(zone))
        weights = np.stack([1.0 - root, root * (1.0 - other), root * other], axis=1)
        place: Floats = np.einsum("nk,nkc->nc", weights, corner)
        return place

    def drawn(
        self, origin: Ints, *, pull: Floats, reach_m: float, rng: np.random.Generator
    ) -> Ints:
        """Return a destination zone for each origin zone by a gravity law.

        P(j | i) is proportional to pull_j exp(-d_ij / reach_m).
        """
        weights = pull[None, :] * np.exp(-self._distance_m / reach_m)
        steps = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
        steps[:, -1] = 1.0
        ladder = (steps + np.arange(len(pull))[:, None]).ravel()
        at = np.searchsorted(ladder, origin + rng.random(len(origin)), side="right")
        return np.minimum(at, len(ladder) - 1) % len(pull)

"""Zones from files, grids and H3, and how a point finds its zone."""

from pipelines.zones.grid import grid_zones
from pipelines.zones.hexagons import h3_zones
from pipelines.zones.polygons import load_zones

__all__ = ["grid_zones", "h3_zones", "load_zones"]

"""Zones from files, grids and H3, and how a point finds its zone."""

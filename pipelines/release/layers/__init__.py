"""Layers 3 and 4 and coarser cells as files of a release folder. Nothing here costs budget."""

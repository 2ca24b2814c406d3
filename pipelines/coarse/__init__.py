"""Coarser cells instead of blanks: the finest combination whose precision is enough."""

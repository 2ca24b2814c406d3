"""What may be computed from noisy tables at no further cost."""

"""Plan a release, run it, and read its folder."""

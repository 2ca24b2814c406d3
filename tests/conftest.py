"""Two sizes of the laws' search: ``--hypothesis-profile=nightly`` looks much further."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("nightly", max_examples=300, deadline=None)

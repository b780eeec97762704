"""Settings of all tests: examples are drawn the same way in every run, so that CI never flakes."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

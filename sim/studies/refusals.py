"""Refusals: places that a study cannot use, in one line for whoever named them; knows no clock."""

from __future__ import annotations


class StoreError(ValueError):
    """A file that cannot hold results; the text says which and why."""


class ClusterError(ValueError):
    """A cluster that cannot be used; the text says which and why."""

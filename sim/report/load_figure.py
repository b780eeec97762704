"""Load figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def load_figure(rows: Sequence[Mapping[str, float | str]], form: str = "svg") -> bytes | None:
    """Load over time."""
    return None

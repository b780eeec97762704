"""Notice: one warning about a scenario or its run; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """A warning: *code* for programs, *path* of the field, *text* for people."""

    code: str
    path: str
    text: str

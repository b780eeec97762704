"""Names: how catalog entries are looked up, and what a misspelt one is told; no clock."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

Entry = TypeVar("Entry")

LISTED_CHOICES = 20
"""Up to so many known names an error lists all of them."""


class UnknownName(ValueError):  # noqa: N818 - reads as what it says in a traceback
    """A name that the catalog does not have; `suggestion` is the nearest one that it has, if any.

    >>> print(UnknownName("GPU", "h100-smx", ["a100-sxm", "h100-sxm"]))
    unknown GPU 'h100-smx'; did you mean 'h100-sxm'? Known: a100-sxm, h100-sxm
    """

    def __init__(self, kind: str, name: str, choices: Iterable[str]) -> None:
        self.kind = kind
        self.name = name
        self.choices = tuple(choices)
        self.suggestion = nearest(name, self.choices)
        # These, and not the text, so that the error survives pickling between processes.
        super().__init__(kind, name, self.choices)

    def __str__(self) -> str:
        hint = f"; did you mean {self.suggestion!r}?" if self.suggestion else "."
        return f"unknown {self.kind} {self.name!r}{hint} Known: {self._listing()}"

    def _listing(self) -> str:
        """All choices, or the likeliest if they would fill the screen."""
        if len(self.choices) <= LISTED_CHOICES:
            return ", ".join(self.choices)
        likely = difflib.get_close_matches(str(self.name), self.choices, n=5, cutoff=0.0)
        return f"{', '.join(likely)} and {len(self.choices) - len(likely)} more"


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """Return the choice that *name* most likely stands for, ignoring case and `_`, or None.

    >>> nearest("H100_SXM", ["a100-sxm", "h100-sxm"])
    'h100-sxm'
    """
    plain = {choice.lower().replace("_", "-"): choice for choice in choices}
    wanted = str(name).lower().replace("_", "-")
    found = difflib.get_close_matches(wanted, plain, n=1, cutoff=0.6)
    if not found:  # difflib judges by length: "l40" is far from "aws/g6e.xlarge/l40s/on-demand"
        found = [p for p in plain if len(wanted) > 2 and wanted in p][:1]
    return plain[found[0]] if found else None


def find(kind: str, name: str, entries: Mapping[str, Entry]) -> Entry:
    """Return ``entries[name]``; raises `UnknownName`, which calls it a *kind*, if not there."""
    if name not in entries:
        raise UnknownName(kind, name, entries)
    return entries[name]

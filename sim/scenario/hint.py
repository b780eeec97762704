"""Hint: what a message says about a wrong value and what was probably meant; knows no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sim.units import shown


def did_you_mean(given: str, choices: Iterable[str]) -> str | None:
    """Return the one of *choices* that *given* most likely meant; None if nothing comes near.

    >>> did_you_mean("replica", ["replicas", "router"])
    'replicas'
    """
    import difflib  # only errors need it

    lowered = {choice.lower(): choice for choice in sorted(choices, reverse=True)}
    found = difflib.get_close_matches(given[:100].lower(), lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else None


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return *names* for a message, cut after *most*.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    if len(names) <= most:
        return ", ".join(names)
    return ", ".join(names[:most]) + f" and {len(names) - most} more"


def hint(given: object, choices: Iterable[str]) -> str:
    """Return ``"got …"`` for a message, with the likely meaning of *given* if there is one."""
    meant = did_you_mean(given, choices) if isinstance(given, str) else None
    return f"got {shown(given)}" + (f"; did you mean {meant!r}?" if meant else "")

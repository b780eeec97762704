"""Summary: the document of a run as the report reads it, missing figures being None.

Knows no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.scenario.destination import HOSTED

Json = Mapping[str, Any]


class Summary:
    """Reads `summary.json`'s mapping by dotted paths; `part` is a route's or a pool's share of it.

    What is absent or null is None for numbers, so one renderer serves every run, degenerate ones
    included.

    >>> s = Summary({"cost": {"x": {"value": 2.0, "ci95": [1.0, 3.0]}}, "intervals": {}})
    >>> s.number("cost.x.value"), s.interval("cost.x"), s.number("cost.y.value")
    (2.0, (1.0, 3.0), None)
    """

    def __init__(self, document: Json, intervals: Json | None = None, prefix: str = "") -> None:
        self.document = document
        self._intervals = document.get("intervals") or {} if intervals is None else intervals
        self._prefix = prefix

    def get(self, path: str) -> Any:
        """What stands at *path*, or None."""
        value: Any = self.document
        for key in path.split("."):
            if not isinstance(value, Mapping) or key not in value:
                return None
            value = value[key]
        return value

    def number(self, path: str) -> float | None:
        """The number at *path*, in the unit that its name says; None if undefined."""
        value = self.get(path)
        return float(value) if isinstance(value, int | float) else None

    def text(self, path: str) -> str:
        """The text at *path*, "" if there is none."""
        value = self.get(path)
        return "" if value is None else str(value)

    def rows(self, path: str) -> list[Json]:
        """The list at *path*, [] if there is none."""
        return list(self.get(path) or [])

    def interval(self, path: str) -> tuple[float, float] | None:
        """The 95 % interval at *path*: its own `ci95`, else the one in `intervals`."""
        own = self.get(f"{path}.ci95")
        found = own or self._intervals.get(self._prefix + path)
        found = found or self._intervals.get(f"{self._prefix}{path}.value")
        return None if not found or None in found else (float(found[0]), float(found[1]))

    def part(self, table: str, name: str) -> Summary:
        """The part under `table.name` (a route or a pool), with its own intervals."""
        document = (self.get(table) or {}).get(name) or {}
        return Summary(document, self._intervals, f"{self._prefix}{table}.{name}.")

    def part_of(self, key: str) -> Summary | None:
        """The part under *key*, with its own intervals; None if it is null."""
        found = self.get(key)
        if not isinstance(found, Mapping):
            return None
        return Summary(found, self._intervals, f"{self._prefix}{key}.")

    def names(self, table: str) -> list[str]:
        """Names of the routes or pools, in the scenario's order."""
        return list(self.get(table) or {})

    @property
    def pools(self) -> list[str]:
        """The pools of a route (of a hosted API it has none), or those of the whole."""
        pool = self.get("pool")
        if pool is None:
            return self.names("pools")
        return [] if pool == HOSTED else [str(pool)]

    @property
    def title(self) -> str:
        """The scenario's name."""
        scenario = self.get("scenario")
        return str(scenario.get("name", "")) if isinstance(scenario, Mapping) else str(scenario)

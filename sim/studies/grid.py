"""Grid: which points a study visits, from the values that each path of a scenario may take.

Knows no clock. A design is a sequence of points, a point a mapping from path to value. Designs
are crossed: every point of the first with every point of the second.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from sim.scenario.yaml12 import YamlError, parse
from sim.units import shown

Point = Mapping[str, Any]
"""Values by dotted path, in the order in which they were asked for."""

Design = Sequence[Point]

MOST_POINTS = 10_000
"""Points that a study may have; who asks for more has mistyped a range."""


class DesignError(ValueError):
    """Values or ranges that make no design; the text says which and why, in one line."""


def grid(values: Mapping[str, Sequence[Any]]) -> list[Point]:
    """Every combination of *values*, the last path varying fastest. Raises DesignError.

    >>> [tuple(point.values()) for point in grid({"a": [1, 2], "b": ["x", "y"]})]
    [(1, 'x'), (1, 'y'), (2, 'x'), (2, 'y')]
    """
    _check_values(values)
    _check_size(math.prod(len(several) for several in values.values()))
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def zipped(values: Mapping[str, Sequence[Any]]) -> list[Point]:
    """The first values of all paths, then the second ones, and so on. Raises DesignError.

    >>> zipped({"a": [1, 2], "b": ["x", "y"]})
    [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'}]
    """
    _check_values(values)
    lengths = {path: len(several) for path, several in values.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{path} has {n}" for path, n in lengths.items())
        raise DesignError(f"zip takes as many values of one path as of another: {told}")
    return [dict(zip(values, chosen, strict=True)) for chosen in zip(*values.values(), strict=True)]


def crossed(designs: Sequence[Design]) -> list[Point]:
    """Every point of each design with every point of the others, the last varying fastest.

    Raises DesignError if two designs set one path, or set a path and a part of it.

    >>> crossed([[{"a": 1}, {"a": 2}], [{"b": 3}]])
    [{'a': 1, 'b': 3}, {'a': 2, 'b': 3}]
    """
    _check_size(math.prod(len(design) for design in designs))
    paths = [path for design in designs for path in dict.fromkeys(p for one in design for p in one)]
    for i, path in enumerate(paths):
        for other in paths[:i]:
            if path == other or path.startswith(f"{other}.") or other.startswith(f"{path}."):
                raise DesignError(f"{other} and {path} are varied apart, but one holds the other")
    return [{k: v for part in parts for k, v in part.items()} for parts in product(*designs)]


@dataclass(frozen=True)
class Range:
    """The values from *low* to *high*, both of them included.

    *scale* ``log`` spreads values evenly over their ratios; *whole* takes whole numbers only.
    """

    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"
    whole: bool = False

    def at(self, share: float) -> float:
        """The value that lies *share*, from 0 to 1, of the way up.

        >>> Range(1, 100, "log").at(0.5), Range(1, 3, whole=True).at(0.99)
        (10.0, 3)
        """
        if self.whole:  # each whole number is as likely as any other
            low, high = math.ceil(self.low), math.floor(self.high)
            if self.scale == "linear":
                return min(high, low + math.floor(share * (high - low + 1)))
            edges = math.log(low - 0.5), math.log(high + 0.5)
            value = math.exp(edges[0] + share * (edges[1] - edges[0]))
            return min(high, max(low, round(value)))
        if self.scale == "log":
            low_log, high_log = math.log(self.low), math.log(self.high)
            return float(f"{math.exp(low_log + share * (high_log - low_log)):.6g}")
        return float(f"{self.low + share * (self.high - self.low):.6g}")

    def check(self, path: str) -> None:
        """Raise DesignError if there are no values to take."""
        told = f"{path}: the range {self.low:g} to {self.high:g}"
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise DesignError(f"{told} must go from a number up to a greater one")
        if self.scale == "log" and self.low <= 0:
            raise DesignError(f"{told} cannot have a log scale: it must begin above 0")
        if self.whole and math.floor(self.high) < math.ceil(self.low):
            raise DesignError(f"{told} holds no whole number")
        if self.whole and self.scale == "log" and self.low < 1:
            raise DesignError(f"{told} of whole numbers on a log scale must begin at 1 or above")


def spread(
    kind: Literal["sobol", "lhs"], points: int, ranges: Mapping[str, Range], seed: int = 0
) -> list[Point]:
    """So many points that fill the box of *ranges* evenly: Sobol's sequence or a Latin hypercube.

    Scrambled by *seed* (Owen 1998; scipy.stats.qmc), so that the same seed gives the same points.
    A Sobol design is balanced when *points* is a power of 2; the first points of a longer one are
    those of a shorter one, so that a study can be made finer. Raises DesignError.
    """
    if not ranges:
        raise DesignError(f"{kind} needs a range for at least one path")
    for path, several in ranges.items():
        several.check(path)
    _check_size(points)
    rows = _shares(kind, points, len(ranges), seed)
    return [
        {path: r.at(share) for (path, r), share in zip(ranges.items(), row, strict=True)}
        for row in rows
    ]


def _shares(kind: str, points: int, dimensions: int, seed: int) -> list[list[float]]:
    import numpy as np
    from scipy.stats import qmc

    rng = np.random.default_rng(seed)
    if kind == "lhs":
        rows = qmc.LatinHypercube(dimensions, rng=rng).random(points)
    else:
        sobol = qmc.Sobol(dimensions, rng=rng)
        rows = sobol.random_base2(math.ceil(math.log2(points)) if points > 1 else 0)[:points]
    found: list[list[float]] = rows.tolist()
    return found


def values_of(text: str) -> list[Any]:
    """The values of ``1,2,4`` or ``{fixed: 100},{fixed: 500}``, as a scenario file reads them.

    Raises DesignError.

    >>> values_of("1,8k,{fixed: 5}")
    [1, '8k', {'fixed': 5}]
    """
    try:
        tree = parse(f"[{text}]")
    except YamlError as error:
        raise DesignError(f"the values {shown(text)} are {error}") from None
    if tree.twins:
        raise DesignError(str(tree.twins[0]))
    values: list[Any] = tree.data
    return values


def override(path: str, value: Any) -> str:
    """What `--set` takes to set *path* to *value*.

    >>> override("pools.main.autoscaler", {"kind": "p95", "target": "45ms"})
    'pools.main.autoscaler={"kind": "p95", "target": "45ms"}'
    """
    return f"{path}={json.dumps(value, ensure_ascii=False)}"


def label(value: Any) -> str:
    """How a value is written in tables and pictures.

    >>> label(0.5), label("45ms"), label({"kind": "fixed", "of": [1, True]}), label(None)
    ('0.5', '45ms', '{kind: fixed, of: [1, true]}', 'null')
    """
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {label(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(label(below) for below in value) + "]"
    return str(value)


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Each path by as many of its last steps as tell it from the others.

    >>> short_names(["pools.a.replicas", "pools.b.replicas", "seed"])
    {'pools.a.replicas': 'a.replicas', 'pools.b.replicas': 'b.replicas', 'seed': 'seed'}
    """
    found = {}
    for path in paths:
        steps = path.split(".")
        others = [f".{other}" for other in paths if other != path]
        for length in range(1, len(steps) + 1):
            name = ".".join(steps[-length:])
            if not any(other.endswith(f".{name}") for other in others):
                break
        found[path] = name
    return found


def _check_values(values: Mapping[str, Sequence[Any]]) -> None:
    if not values:
        raise DesignError("nothing is varied: name at least one path with its values")
    for path, several in values.items():
        if not several:
            raise DesignError(f"{path} has no values")


def _check_size(points: int) -> None:
    if not 1 <= points <= MOST_POINTS:
        raise DesignError(f"{points:,} points are not between 1 and {MOST_POINTS:,}")

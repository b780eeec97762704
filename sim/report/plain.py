"""Plain: dataclasses and mappings as what JSON has, nothing undefined in them; knows no clock."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from numbers import Integral
from typing import Any


def plain(value: Any) -> Any:
    """*value* as dicts, lists, text and finite numbers; what is no number becomes None.

    >>> plain({0.5: (1, float("nan"))})
    {'0.5': [1, None]}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):  # also numpy's
        return int(value)
    return float(value) if math.isfinite(value) else None

"""Numerals: how dollars, counts, tokens, seconds and shares are written; knows no clock."""

from __future__ import annotations

import math
import re
import unicodedata

MISSING = "n/a"
"""What stands where a figure is undefined. Never 0, never NaN."""

_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean(text: object) -> str:
    r"""*text* on one line, with every control, format and bidi character shown as U+FFFD.

    Names come from files that others wrote; none of their bytes may move a terminal's cursor.

    >>> clean("a\x1b[31mb\u202ec\nd")
    'a\ufffd[31mb\ufffdc d'
    """
    line = str(text).replace("\r\n", " ").replace("\n", " ").replace("\t", " ")
    return "".join("\ufffd" if unicodedata.category(c) in _HIDDEN else c for c in line)


def significant(value: float, digits: int = 3) -> str:
    """*value* with *digits* significant digits and commas, in plain figures from 1e-9 to 1e15.

    >>> [significant(x) for x in (0.07312, 1.239, 99.96, 12345.6, 1.2e-12)]
    ['0.0731', '1.24', '100', '12,346', '1.2e-12']
    """
    if value == 0:
        return "0"
    if abs(value) < 1e-9 or abs(value) >= 1e15:
        return f"{value:.{digits}g}"
    rounded = float(f"{value:.{digits}g}") if abs(value) < 10 ** (digits - 1) else round(value)
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded)))) if rounded else 0
    return f"{rounded:,.{decimals}f}"


def dollars(value: float | None) -> str:
    """Dollars: cents from $1 on, whole from $1,000 on, three significant digits below $1.

    >>> [dollars(x) for x in (0.07312, 1.239, 33.6, 12345.4, 0, -0.5, None)]
    ['$0.0731', '$1.24', '$33.60', '$12,345', '$0', '-$0.500', 'n/a']
    """
    if value is None:
        return MISSING
    size = abs(value)
    if size >= 999.995:
        text = f"{size:,.0f}" if size < 1e15 else significant(size)
    elif size >= 0.9995:
        text = f"{size:.2f}"
    else:
        text = significant(size)
    return f"{'-' if value < 0 else ''}${text}"


def count(value: float | None) -> str:
    """A whole number with commas; means over replications are rounded.

    >>> count(2419200.4), count(None)
    ('2,419,200', 'n/a')
    """
    return MISSING if value is None else f"{value:,.0f}"


def tokens(value: float | None) -> str:
    """A token count: exact below 10,000, then three significant digits with k, M, B or T.

    >>> [tokens(x) for x in (0, 9999, 12345, 4.381e9, 999_999)]
    ['0', '9,999', '12.3k', '4.38B', '1.00M']
    """
    if value is None:
        return MISSING
    if abs(value) < 9999.5:
        return count(value)
    rounded = float(f"{value:.3g}")
    scale, unit = next(s for s in _SCALES if abs(rounded) >= s[0])
    return f"{significant(rounded / scale)}{unit}"


def seconds(value: float | None) -> str:
    """A latency or a time in the unit that reads best: ms, s, min or h.

    >>> [seconds(x) for x in (0.0182, 0.45, 1.5, 75.2, 1000, 90000, None)]
    ['18.2 ms', '450 ms', '1.50 s', '75.2 s', '16.7 min', '25.0 h', 'n/a']
    """
    if value is None:
        return MISSING
    if abs(value) < 0.9995:
        return f"{significant(value * 1e3)} ms"
    if abs(value) < 600:
        return f"{significant(value)} s"
    return (
        f"{significant(value / 60)} min"
        if abs(value) < 36_000
        else f"{significant(value / 3600)} h"
    )


def hours(value: float | None) -> str:
    """Hours with three significant digits.

    >>> hours(672.0), hours(0.512)
    ('672 h', '0.512 h')
    """
    return MISSING if value is None else f"{significant(value)} h"


def percent(share: float | None) -> str:
    """A share of 1 as a percentage, one decimal (two below 1 %), none at exactly 0 or 100.

    >>> [percent(x) for x in (0.1234, 0.0042, 1.0, 0.99996, -0.012)]
    ['12.3 %', '0.42 %', '100 %', '99.996 %', '-1.2 %']
    """
    if share is None:
        return MISSING
    value = round(share * 100, 9)  # sums of many parts are an ulp off
    if value in (0.0, 100.0):
        return f"{abs(value):.0f} %"
    if 99.95 <= value < 100:  # "100.0 %" would hide the few that were missed
        return f"{math.floor(value * 1000) / 1000:g} %"
    return f"{value:.2f} %" if abs(value) < 0.995 else f"{value:.1f} %"


_WRITTEN = re.compile(r"(-?)\$?([\d,]+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(ms|s|min|h|%|[kMBT])?(?![\w.])")
_UNITS = {"ms": 1e-3, "min": 60.0, "h": 3600.0, "%": 0.01} | {
    unit: scale for scale, unit in _SCALES
}


def magnitude(text: str) -> float | None:
    """The number that a cell begins with, in the unit of its kind; None if it begins with none.

    The inverse of this module's other functions but for rounding, so that tables can be sorted.

    >>> [magnitude(x) for x in ("$1,234", "-$0.500", "12.3k", "18.2 ms", "2.0 h", "5 %", "n/a")]
    [1234.0, -0.5, 12300.0, 0.0182, 7200.0, 0.05, None]
    """
    found = _WRITTEN.match(text)
    if found is None:
        return None
    sign, digits, unit = found.groups()
    value = float(digits.replace(",", "")) * _UNITS.get(unit or "", 1.0)
    return -value if sign else value


def span(bounds: tuple[float, float] | None) -> str:
    """A 95 % interval of dollars, or that there is none.

    >>> span((1.211, 1.27)), span(None)
    ('$1.21 to $1.27', 'n/a')
    """
    return MISSING if bounds is None else f"{dollars(bounds[0])} to {dollars(bounds[1])}"


def length(window_s: float | None) -> str:
    """The length of a window: in days, hours or minutes when they are whole, else as `seconds`.

    >>> length(604800), length(7200), length(86400), length(90)
    ('7 days', '2 hours', '1 day', '90.0 s')
    """
    for unit, unit_s in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if window_s and window_s % unit_s == 0:
            n = round(window_s / unit_s)
            return f"{n:,} {unit}{'s' if n != 1 else ''}"
    return seconds(window_s)

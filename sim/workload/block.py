"""Block: a fit as YAML to paste under a route, with comments that say what it is; no clock."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from sim.workload.arrival_fit import ArrivalFit
from sim.workload.hours import Hours
from sim.workload.rows import Row
from sim.workload.token_table import TokenTable

WIDTH = 96


class Block:
    """Lines of YAML in the making; the same fit always gives the same lines."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def written(self) -> str:
        """Return the lines."""
        return "\n".join(self._lines) + "\n"

    def comment(self, text: str) -> None:
        """Add *text* as a comment, wrapped; what cannot be printed is shown by its number."""
        safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
        self._lines += [f"# {line}" for line in textwrap.wrap(safe, WIDTH - 2)]

    def goodness(self, rows: Sequence[Row]) -> None:
        """Add a comment for each figure of *rows* that there is."""
        for row in rows:
            if row.value is None:
                continue
            verdict = "" if row.met is None else ": met" if row.met else ": MISSED"
            asked = f"; asked {row.ask}{verdict}" if row.ask else ""
            self.comment(f"{row.metric}: {row.value:.3g}{asked}")

    def arrivals(self, fitted: ArrivalFit | None) -> None:
        """Add when requests come; only a comment if that is not known."""
        if fitted is None:
            self.comment("The file has no times: arrivals are yours to give, as {mean_rps: 4.0}.")
            return
        self._lines += ["arrivals:", f"  mean_rps: {fitted.mean_per_s:.6g}"]
        if fitted.gap_shape != 1.0:
            self._lines.append(f"  gap_shape: {fitted.gap_shape:g}")
        if fitted.bursts:
            self._lines.append("  bursts:")
        for burst in fitted.bursts:
            terms = f"variance: {burst.variance:.4g}, time: {duration(burst.time_s)}"
            self._lines.append(f"    - {{{terms}}}")
        if fitted.batch_mean_size > 1.0:
            gap = duration(fitted.batch_gap_s)
            self._lines.append(f"  batches: {{mean_size: {fitted.batch_mean_size:g}, gap: {gap}}}")
        if fitted.on_off is not None:
            times = f"on: {duration(fitted.on_off.on_s)}, off: {duration(fitted.on_off.off_s)}"
            self._lines.append(f"  on_off: {{clients: {fitted.on_off.clients}, {times}}}")
        if fitted.hours is not None:
            self._hours(fitted.hours)

    def _hours(self, hours: Hours) -> None:
        clock = {"UTC": "UTC", "local": "local time"}.get(hours.clock, "hours of the file")
        if hours.weekend is None:
            self._flow(f"  day_curve:  # {clock}", "    ", "[", _curve(hours.weekday), "]")
            return
        self._lines.append(f"  day_curve:  # {clock}")
        for name, curve in (("weekday", hours.weekday), ("weekend", hours.weekend)):
            self._flow(f"    {name}:", "      ", "[", _curve(curve), "]")

    def lengths(
        self, key: str, table: TokenTable | None, given_input: Sequence[TokenTable] | None
    ) -> None:
        """Add the token counts of one side; only a comment if they are not known."""
        if table is None:
            self.comment(f"The file has no {key.replace('_', ' ')}: they are yours to give.")
        elif given_input is None:
            self._lines.append(f"{key}:")
            self._flow("  quantiles:", "    ", "{", _pairs(table), "}")
        else:
            self._lines += [f"{key}:", "  given_input:  # a table for each tenth of the inputs"]
            for one in given_input:
                wrapped = _wrapped("{", _pairs(one), "}", "      ")
                self._lines += [f"    - {wrapped[0].strip()}", *wrapped[1:]]

    def _flow(self, head: str, indent: str, opens: str, items: Sequence[str], closes: str) -> None:
        self._lines += [head, *_wrapped(opens, items, closes, indent)]


def duration(seconds: float) -> str:
    """Return *seconds* as a scenario writes it, to a microsecond and to four digits.

    >>> duration(0.7), duration(425.14269), duration(0.0), duration(0.0000123)
    ('0.7s', '425.1s', '0s', '0.000012s')
    """
    digits = f"{float(f'{seconds:.4g}'):.6f}"
    return digits.rstrip("0").rstrip(".") + "s"


def _pairs(table: TokenTable) -> list[str]:
    return [f"{level}: {tokens}" for level, tokens in table.quantiles().items()]


def _curve(factors: Sequence[float]) -> list[str]:
    return [f"{factor:.3f}" for factor in factors]


def _wrapped(opens: str, items: Sequence[str], closes: str, indent: str) -> list[str]:
    text = opens + ", ".join(items).replace(": ", ":\0") + closes  # no break within an item
    return [indent + line.replace("\0", " ") for line in textwrap.wrap(text, WIDTH - len(indent))]

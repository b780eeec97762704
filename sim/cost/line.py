"""Line: one row of a bill: what is counted, how much of it, at what price; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass

from sim.scenario.bill import YOURS


@dataclass(frozen=True)
class Line:
    """One line of the bill: `usd` = `quantity` of `driver` x `unit_usd`.

    `source` says where the unit price comes from, `price_row` which row of the catalog it is.
    """

    line: str
    kind: str
    pool: str | None
    driver: str
    quantity: float
    unit_usd: float
    source: str = YOURS
    price_row: str | None = None

    @property
    def usd(self) -> float:
        """Dollars of this line in the window."""
        return self.quantity * self.unit_usd

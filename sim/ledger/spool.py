"""Spool: chunks of records on disk, for exports of runs too long to hold. Knows no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from sim.ledger.records import HOSTED_REPLICA, NO_REPLICA, Columns, rows_where
from sim.ledger.tokens import IN_FLIGHT, OUTCOMES, REJECTED, computed_input


class Spool:
    """Writes attempts at requests that arrived in [0, horizon) into *directory*, chunk by chunk.

    *pools*: those of each route, by its name; *gpus*: of one replica of each, one if not given.
    What never came is NaN: all times of an attempt that was rejected, `queued_at_s` of one that no
    replica took. The pool of an attempt that a hosted API answered is the one it stood in for, if
    any.
    """

    def __init__(
        self,
        directory: Path,
        pools: Mapping[str, tuple[str, ...]],
        horizon_s: float,
        gpus: Mapping[str, int] | None = None,
    ) -> None:
        lanes = [lane for of in pools.values() for lane in of or ("",)]
        counts = [max(1, len(of)) for of in pools.values()]
        self.directory = directory
        self.names = np.array(list(pools))
        self.pools = np.array(lanes)
        self.gpus = np.array([(gpus or {}).get(pool, 1) for pool in lanes])
        self.first = np.cumsum([0, *counts])
        self.horizon_s = horizon_s
        self._chunks = 0
        directory.mkdir(parents=True, exist_ok=True)

    def read(self, columns: Columns) -> None:
        """Write one chunk."""
        arrived = (columns["arrived_at_s"] >= 0) & (columns["arrived_at_s"] < self.horizon_s)
        if not arrived.any():
            return
        c = rows_where(columns, arrived)
        lane = self.first[c["route"]] + c["leg"]
        gpus = self.gpus[lane]
        rejected, hosted = c["outcome"] == REJECTED, c["replica"] == HOSTED_REPLICA
        unplaced = rejected | (c["replica"] == NO_REPLICA)
        silent = rejected | (hosted & (c["outcome"] == IN_FLIGHT))  # of those no token came
        np.savez(
            self.directory / f"{self._chunks:06d}.npz",
            route=self.names[c["route"]],
            request_id=c["number"],
            attempt=c["attempt"],
            replica=c["replica"],
            arrived_at_s=c["arrived_at_s"],
            queued_at_s=np.where(unplaced, np.nan, c["queued_at_s"]),
            first_token_at_s=np.where(silent, np.nan, c["first_token_at_s"]),
            finished_at_s=np.where(rejected, np.nan, c["finished_at_s"]),
            input_tokens=c["input_tokens"],
            cached_input_tokens=c["cached_input"],
            output_tokens=np.where(silent, 0, c["generated"]),
            outcome=np.array(OUTCOMES)[c["outcome"]],
            prefill_gpu_s=gpus * (c["prefill_s"] + c["cached_s"]),
            decode_gpu_s=gpus * c["decode_s"],
            rent_gpu_s=gpus * c["rent_s"],
            waste_gpu_s=gpus * c["waste_s"],
            computed_input_tokens=np.where(hosted, 0, computed_input(c)),
            recomputed_input_tokens=c["recomputed_input"],
            recomputed_output_tokens=c["recomputed_output"],
            pool=self.pools[lane],
        )
        self._chunks += 1


def read(directory: Path) -> Iterator[dict[str, np.ndarray]]:
    """The chunks that a `Spool` wrote, in order: columns of a `requests` file, without `usd`."""
    for path in sorted(directory.glob("*.npz")):
        with np.load(path) as chunk:
            yield {name: chunk[name] for name in chunk.files}

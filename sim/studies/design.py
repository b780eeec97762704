"""Design: what one pool may be built of, and every design that the catalog knows; no clock.

A design is a GPU, how many of them make a replica, the weights' format, what an hour costs, and how
many sequences a replica takes. How many replicas it needs is found by simulation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from sim.catalog.gpus import gpus
from sim.catalog.models import model
from sim.catalog.prices import GpuPrice, prices
from sim.catalog.timings import tables
from sim.scenario.pool import Pool

ON_DEMAND = ("on-demand", "secure", "median")
"""Terms that promise a node for as long as it is wanted."""

STAYS = "as it is"


@dataclass(frozen=True)
class Design:
    """One way to build a pool; `label` says it in words, `pool` has it at one replica's size."""

    label: str
    pool: Pool

    @property
    def usd_per_replica_hour(self) -> float:
        """Least that a replica costs an hour, in USD: its share of a node at the list price."""
        return self.pool.usd_per_replica_hour


@dataclass(frozen=True)
class Choices:
    """What may be chosen. None: all that the catalog has.

    `usd_per_gpu_hour` are the user's own prices by GPU; beside them come rows of the pool's own
    provider, or of *any_provider*.
    """

    gpus: tuple[str, ...] | None = None
    precisions: tuple[str, ...] | None = None
    tensor_parallel: tuple[int, ...] | None = None
    max_num_seqs: tuple[int, ...] = ()
    usd_per_gpu_hour: tuple[tuple[str, float], ...] = ()
    any_provider: bool = False


@dataclass(frozen=True)
class Left:
    """A design that was not considered, and why."""

    label: str
    why: str


def designs(pool: Pool, choices: Choices) -> tuple[list[Design], list[Left]]:
    """All designs of *pool* that *choices* allow, its own first, and those that were left out.

    A pool with explicit timing has no other GPU to go to, so its own engine is all there is.
    """
    found, left = [Design(STAYS, pool)], {}
    for card, degree, precision in [] if pool.explicit else _combinations(pool):
        same = (card, degree, precision) == (pool.gpu, pool.tensor_parallel, pool.precision)
        if same or not _allowed(card, degree, precision, choices):
            continue
        label = f"{degree} x {card}, {precision}"
        price = _price(pool, card, choices)
        if price is None:
            left[card] = f"no price of it is known here; give --price {card}=USD"
            continue
        try:
            found.append(Design(label, _rebuilt(pool, card, degree, precision, price)))
        except ValidationError as error:
            left[label] = str(error.errors()[0]["msg"])
    whole = [d for base in found for d in _batches(base, choices.max_num_seqs)]
    return [d for base in whole for d in _scalings(base)], [Left(*item) for item in left.items()]


def _combinations(pool: Pool) -> Iterator[tuple[str, int, str]]:
    """Cards, tensor parallel degrees and precisions for which the model has a step-time table."""
    assert pool.model is not None
    owner = model(pool.model).tables
    for card in gpus():
        for table in tables():
            if (table.model, table.gpu) == (owner, card.table):
                yield card.name, table.tensor_parallel, table.precision


def _allowed(card: str, degree: int, precision: str, choices: Choices) -> bool:
    given: Sequence[tuple[Any, Sequence[Any] | None]] = (
        (card, choices.gpus),
        (degree, choices.tensor_parallel),
        (precision, choices.precisions),
    )
    return all(allowed is None or value in allowed for value, allowed in given)


def _price(pool: Pool, card: str, choices: Choices) -> dict[str, Any] | None:
    """How a node with *card* is priced: the user's price, the pool's own, else a row's."""
    own = dict(choices.usd_per_gpu_hour)
    if card in own:
        return {"usd_per_gpu_hour": own[card]}
    if card == pool.gpu:
        return {"usd_per_gpu_hour": pool.node.usd_per_node_hour / pool.node.gpus}
    row = pool.node.price_row
    provider = None if row is None else row.provider
    rows = [r for r in prices() if r.gpu == card and r.term in ON_DEMAND]
    near = [r for r in rows if choices.any_provider or r.provider == provider]
    best: GpuPrice | None = min(near, key=lambda r: r.usd_per_gpu_hour, default=None)
    return None if best is None else {"price": best.key}


def _rebuilt(pool: Pool, card: str, degree: int, precision: str, price: Mapping[str, Any]) -> Pool:
    """*pool* on other hardware: its settings stay but for what belongs to the old card.

    Raises ValidationError if it cannot be, say because the model does not fit.
    """
    document = pool.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    for key in ("kv_tokens", "naive", "warm_nodes"):
        document.pop(key, None)
    gpus_of_node = pool.node.gpus if card == pool.gpu and pool.node.gpus % degree == 0 else degree
    kept = {k: v for k, v in document.get("node", {}).items() if k in ("zones", "billing")}
    document["node"] = {**kept, "gpus": gpus_of_node, **price}
    changed = {"gpu": card, "tensor_parallel": degree, "precision": precision}
    return Pool.model_validate({**document, **changed, "timing": "table"})


def _batches(design: Design, sizes: tuple[int, ...]) -> Iterator[Design]:
    """*design* at its own batch limit, then at others."""
    yield design
    own = design.pool.resolved_engine().max_num_seqs
    for size in sizes:
        if size != own:
            engine = design.pool.engine.model_copy(update={"max_num_seqs": size})
            pool = design.pool.model_copy(update={"engine": engine})
            yield Design(f"{design.label}, max_num_seqs {size}", pool)


def _scalings(design: Design) -> Iterator[Design]:
    """*design* as it scales; beside an autoscaled one the same with a fixed number of replicas."""
    yield design
    pool = design.pool
    if pool.scales and pool.scale_to_zero is None:
        fixed = {"autoscaler": None, "replicas": max(1, pool.start_replicas)}
        yield Design(f"{design.label}, fixed", pool.model_copy(update=fixed))

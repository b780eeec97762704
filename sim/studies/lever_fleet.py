"""Levers on a pool: its engine, its model, how it scales, and what it is rented as; no clock."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from sim.catalog.gpus import gpu
from sim.catalog.models import models
from sim.catalog.timings import tables
from sim.scenario.document import Scenario
from sim.scenario.pool import Pool
from sim.studies.lever import Change, Lever, impossible, setting
from sim.studies.resize_dial import dial_of

NOTCHES = 2
"""Steps of 5 % by which an autoscaler's target is moved."""

SPOT_STEP = 0.25
"""Share of a pool's nodes that become spot nodes."""


def pool_levers(scenario: Scenario, name: str) -> Iterator[Lever]:
    """All levers on the pool *name*, those that do not apply with the reason."""
    pool = scenario.pools[name]
    yield _caching(name, pool)
    yield _affinity(name, pool)
    yield _quantised(name, pool)
    yield _smaller(name, pool)
    yield from _batches(name, pool)
    yield _scaled(scenario, name, pool)
    yield _target(scenario, name, pool)
    yield _prepulled(name, pool)
    yield _warm(name, pool)
    yield _spot(name, pool)


def merge_levers(scenario: Scenario) -> Iterator[Lever]:
    """Routes of one pool moved to another one of the same model, both ways round."""
    said = "serve the routes of two pools by one"
    found = False
    for source, target in permutations(scenario.pools, 2):
        one, other = scenario.pools[source], scenario.pools[target]
        moved = [n for n, r in scenario.routes.items() if r.pools == (source,)]
        if one.model is None or one.model != other.model or not moved:
            continue
        if any(source in r.pools for n, r in scenario.routes.items() if n not in moved):
            continue
        found = True
        yield Lever(
            "merge-pools", source, f"serve its routes by pool {target}", _merge(source, target)
        )
    if not found:
        yield impossible("merge-pools", "fleet", said, "no two pools serve the same model")


def _merge(source: str, target: str) -> Change:
    def change(scenario: Scenario) -> Scenario:
        data = scenario.model_dump(mode="json", exclude_none=True)
        for route in data["routes"].values():
            if route["pool"] == source:
                route["pool"] = target
        del data["pools"][source]
        data["bill"] = [line for line in data.get("bill", []) if line.get("pool") != source]
        return Scenario.model_validate(data)

    return change


def _caching(name: str, pool: Pool) -> Lever:
    said = "keep the KV cache of equal prompt heads (prefix caching)"
    if pool.resolved_engine().prefix_caching:
        return impossible("prefix-cache", name, said, "it is on")
    return Lever(
        "prefix-cache", name, said, setting((_pool(name, "engine", "prefix_caching"), True))
    )


def _affinity(name: str, pool: Pool) -> Lever:
    said = "send prompts where their head is cached (prefix-affinity router)"
    if pool.router == "prefix-affinity":
        return impossible("affinity", name, said, "it is so already")
    if pool.most_replicas < 2:
        return impossible("affinity", name, said, "there is one replica")
    return Lever("affinity", name, said, setting((_pool(name, "router"), "prefix-affinity")))


def _quantised(name: str, pool: Pool) -> Lever:
    said = "quantise the weights to 8 bits"
    if pool.explicit or pool.model is None or pool.gpu is None:
        return impossible("quantise", name, said, _EXPLICIT)
    if pool.precision != "bf16":
        return impossible("quantise", name, said, f"they are {pool.precision} already")
    known = _known(pool, pool.model, pool.tensor_parallel)
    eight = next((p for p in ("fp8", "fp8_block") if p in known), None)
    if eight is None:
        where = f"{pool.model} on {pool.gpu} with tensor_parallel {pool.tensor_parallel}"
        return impossible("quantise", name, said, f"the catalog has no 8-bit table of {where}")
    return Lever("quantise", name, f"{said} ({eight})", setting((_pool(name, "precision"), eight)))


_EXPLICIT = "with explicit timing nobody knows how fast another engine would be"


def _known(pool: Pool, model: str, tensor_parallel: int) -> set[str]:
    """Precisions in which there is a step-time table."""
    shape = next((m for m in models() if m.name == model), None)
    if shape is None or pool.gpu is None:
        return set()
    wanted = (shape.tables, gpu(pool.gpu).table, tensor_parallel)
    return {t.precision for t in tables() if (t.model, t.gpu, t.tensor_parallel) == wanted}


def _smaller(name: str, pool: Pool) -> Lever:
    said = "serve the next smaller model"
    weight = pool.weight_bytes
    if pool.explicit or pool.model is None or weight is None:
        return impossible("smaller-model", name, said, _EXPLICIT)
    fits = [
        m
        for m in models()
        if m.weight_bytes(pool.precision) < 0.8 * weight
        and pool.precision in _known(pool, m.name, pool.tensor_parallel)
    ]
    if not fits:
        return impossible("smaller-model", name, said, "the catalog has no table of a smaller one")
    model = max(fits, key=lambda m: m.weight_bytes(pool.precision)).name
    return Lever("smaller-model", name, f"{said}, {model}", setting((_pool(name, "model"), model)))


def _batches(name: str, pool: Pool) -> Iterator[Lever]:
    engine = pool.resolved_engine()
    for word, factor in (("halve", 0.5), ("double", 2.0)):
        seqs = max(1, int(engine.max_num_seqs * factor))
        budget = max(seqs, engine.max_num_batched_tokens)
        yield Lever(
            f"{word}-batch",
            name,
            f"{word} the sequences that run at once ({engine.max_num_seqs:,} to {seqs:,})",
            setting(
                (_pool(name, "engine", "max_num_seqs"), seqs),
                (_pool(name, "engine", "max_num_batched_tokens"), budget),
            ),
        )


def _scaled(scenario: Scenario, name: str, pool: Pool) -> Lever:
    most = max(2, 2 * pool.start_replicas)
    said = f"let an autoscaler hold 1 to {most} replicas"
    if pool.scales:
        return impossible("autoscale", name, said, "it is scaled already")
    targets = [
        route.slo.tpot_p95
        for route in scenario.routes.values()
        if name in route.pools and route.slo is not None
    ]
    if not any(targets):
        return impossible("autoscale", name, said, "no route of it has a tpot_p95 SLO to go by")
    bounds = {"min": 1, "max": most, "start": min(most, pool.start_replicas)}
    change = setting(
        (_pool(name, "replicas"), bounds), (_pool(name, "autoscaler"), {"kind": "p95"})
    )
    return Lever("autoscale", name, said, change)


def _target(scenario: Scenario, name: str, pool: Pool) -> Lever:
    said = "let each replica carry 10 % more"
    dial = dial_of(scenario, name) if pool.scales else None
    if dial is None:
        return impossible("target", name, said, "no autoscaler has a target to move")
    level = dial.clamped(dial.start - NOTCHES)
    if level == dial.start:
        return impossible("target", name, said, "its target is the SLO itself")
    return Lever("target", name, f"{said} ({dial.told(level)})", lambda s: dial.applied(s, level))


def _prepulled(name: str, pool: Pool) -> Lever:
    said = "rent nodes that have the engine's image (no pull)"
    if not pool.starts_replicas:
        return impossible("prepull", name, said, _NEVER_STARTS)
    return Lever("prepull", name, said, setting((_pool(name, "prepulled_image"), True)))


_NEVER_STARTS = "no replica ever starts: the fleet is fixed and nothing fails"


def _warm(name: str, pool: Pool) -> Lever:
    said = f"keep {pool.warm_nodes + 1} warm nodes" if pool.warm_nodes else "keep a warm node"
    if not pool.starts_replicas:
        return impossible("warm", name, said, _NEVER_STARTS)
    return Lever("warm", name, said, setting((_pool(name, "warm_nodes"), pool.warm_nodes + 1)))


def _spot(name: str, pool: Pool) -> Lever:
    said, spot = "rent more of the nodes as spot nodes", pool.node.spot
    if spot is None:
        return impossible("spot", name, said, "it has none: say node.spot with price and mean_life")
    if spot.share >= 1:
        return impossible("spot", name, said, "all of them are")
    share = min(1.0, spot.share + SPOT_STEP)
    told = f"rent {share:.0%} of the nodes as spot nodes ({spot.share:.0%} now)".replace("%", " %")
    return Lever("spot", name, told, setting((_pool(name, "node", "spot", "share"), share)))


def _pool(name: str, *steps: str) -> tuple[str, ...]:
    return ("pools", name, *steps)

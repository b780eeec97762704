"""References: names in one part of a scenario that point at another part; knows no clock.

Works on plain data, so that a wrong name is found even in a document with other mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sim.scenario.destination import HOSTED
from sim.scenario.hint import did_you_mean, listed
from sim.scenario.spec import Fault
from sim.units import shown


def broken_references(data: Any) -> list[Fault]:
    """Return a fault for every name of a route or a pool that *data* does not have.

    Also for a pool that is called as a hosted API is, and one that a route asks beside its pools.
    """
    document = data if isinstance(data, Mapping) else {}
    faults = _hosted_pools(document)
    for name, wanted, steps in _references(document):
        targets = document.get(f"{wanted}s")
        known = [str(key) for key in targets] if isinstance(targets, Mapping) else []
        if wanted == "pool" and name == HOSTED and steps[0] == "routes":
            if len(steps) > 3:
                rule = "hosted cannot be one of several: an API answers a whole route, or none"
                faults.append(Fault(rule, *steps))
        elif known and name not in known:
            meant = did_you_mean(name, known)
            tail = f"did you mean {meant!r}?" if meant else f"there is {listed(known)}"
            faults.append(Fault(f"no {wanted} is called {shown(name)}; {tail}", *steps))
    return faults + _repeated_lines(document)


def _references(document: Mapping[Any, Any]) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
    """Yield (name, "pool" or "route", where it stands)."""
    routes, bill = document.get("routes"), document.get("bill")
    for key, route in routes.items() if isinstance(routes, Mapping) else ():
        if isinstance(route, Mapping):
            for name, steps in _pools_of(route.get("pool")):
                yield name, "pool", ("routes", key, "pool", *steps)
    for number, line in enumerate(bill) if isinstance(bill, list | tuple) else ():
        for wanted in ("pool", "route"):
            if isinstance(line, Mapping) and isinstance(line.get(wanted), str):
                yield line[wanted], wanted, ("bill", number, wanted)
        split = line.get("split") if isinstance(line, Mapping) else None
        for name in split if isinstance(split, Mapping) else ():
            yield str(name), "route", ("bill", number, "split", name)


def _pools_of(destination: Any) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Yield (name, steps from the destination) of each pool that a route may use."""
    if isinstance(destination, str):
        yield destination, ()
    if not isinstance(destination, Mapping):
        return
    split, cascade = destination.get("split"), destination.get("cascade")
    for name in split if isinstance(split, Mapping) else ():
        yield str(name), ("split", name)
    for number, name in enumerate(cascade if isinstance(cascade, list | tuple) else ()):
        if isinstance(name, str):
            yield name, ("cascade", number)


def _hosted_pools(document: Mapping[Any, Any]) -> list[Fault]:
    pools = document.get("pools")
    if not isinstance(pools, Mapping) or HOSTED not in pools:
        return []
    rule = "no pool may be called hosted: it stands for a hosted API where a route says its pool"
    return [Fault(rule, "pools", HOSTED, on_key=True)]


def _repeated_lines(document: Mapping[Any, Any]) -> list[Fault]:
    seen: set[str] = set()
    faults = []
    bill = document.get("bill")
    for number, line in enumerate(bill) if isinstance(bill, list | tuple) else ():
        name = line.get("line") if isinstance(line, Mapping) else None
        if isinstance(name, str) and name in seen:
            faults.append(Fault(f"the line {shown(name)} is there twice", "bill", number, "line"))
        seen.add(name) if isinstance(name, str) else None
    return faults

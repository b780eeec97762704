"""Recount of the money: prices of tokens and requests, once more from the files of a run."""

from collections import Counter

from tests.laws.recount import KINDS, count, read
from tests.laws.recount_books import Books

COMPONENTS = {"prefill": ["prefill"], "context_rent": ["rent", "cached"], "decode": ["decode"]}


def recount(path, leases, terms):
    """Figures by path, of all routes (key None) and of each; dollars of lines by (name, pool).

    Those of a route have its dollars on each pool, and the requests that came there, besides.
    """
    rows, books = list(read(path)), Books(terms, leases)
    for name, spec in terms["routes"].items():
        mine = [row for row in rows if row["route"] == name]
        books.routes[name] = count(mine, spec, terms["window_s"])
    lines = books.lines()
    usd = {way: books.paid(way, lines) for way in ("by_use", "by_peak")}
    found = {name: figures(books, [name], usd, terms["window_s"]) for name in books.routes}
    for (name, pool), own_usd in usd["by_use"].items():
        found[name][f"pools.{pool}.usd"] = own_usd
        found[name][f"pools.{pool}.requests.sent"] = books.routes[name].came[pool]
    return {None: whole(books, usd, terms), **found}, lines


def figures(books, names, usd, window_s):
    """What is told of one route, or of several together."""
    found, routes = Counter(), {name: books.routes[name] for name in names}
    for name, route in routes.items():
        of_users = len(names) == 1 or books.specs[name]["useful"]
        found.update({k: v for k, v in route.figures.items() if of_users or k[:8] != "requests"})
        found["answered"] += route.answered * of_users
        found["goodput"] += route.goodput
        found["usd.hosted"] += sum(books.hosted(name).values())
    tokens = {kind: found[f"tokens.useful.{kind}"] for kind in KINDS}
    useful = tokens["input"] + tokens["output"]
    found["tokens.useful_per_hour"] = useful / window_s * 3600
    counts = {**tokens, "input": tokens["input"] - tokens["cached_input"]}
    if found["tokens.useful.reasoning"]:
        counts["visible_output"] = tokens["output"] - found["tokens.useful.reasoning"]
    for way, place in (("by_use", "cost"), ("by_peak", "cost.by_peak")):
        total_usd = sum(own for (name, _), own in usd[way].items() if name in names)
        total_usd += found["usd.hosted"]
        found[f"usd.{way}"] = total_usd
        per = {
            "usd_per_million_useful_tokens": useful,
            "usd_per_thousand_requests": found["answered"],
        }
        per["usd_per_million_goodput_tokens"] = found["goodput"]
        for price, number in per.items():
            unit = 1e3 if "thousand" in price else 1e6
            found.update(over(f"{place}.{price}.value", total_usd * unit, number))
        money = kinds(books, names, usd[way])
        found[f"{place}.unpriced_usd"] = money["unpriced"]
        for kind, number in counts.items():
            part_usd = money[kind.removeprefix("visible_")]
            found.update(over(f"{place}.usd_per_million_{kind}_tokens", part_usd * 1e6, number))
    for name, pool in [place for place in usd["by_use"] if place[0] in names]:
        seconds, own_usd = books.seconds(name, pool), usd["by_use"][name, pool]
        for part, causes in COMPONENTS.items():
            part_s = sum(seconds[cause] for cause in causes)
            found[f"cost.components_usd.{part}"] += own_usd * part_s / seconds.total()
    return found


def over(path, part, whole):
    """A quotient by its path, unless there is nothing to divide by."""
    return {path: part / whole} if whole else {}


def kinds(books, names, usd):
    """A route's dollars by the kind of token that they are for, the API's by its own prices."""
    found = Counter()
    for name in names:
        tokens, spent = books.routes[name].figures, Counter(books.hosted(name))
        for pool in books.specs[name]["pools"]:
            seconds = books.seconds(name, pool)
            each = usd[name, pool] / seconds.total()
            spent["input"] += each * (seconds["prefill"] + seconds["rent"])
            spent["cached_input"] += each * seconds["cached"]
            spent["output"] += each * seconds["decode"]
        uncached = tokens["tokens.useful.input"] - tokens["tokens.useful.cached_input"]
        for kind, part_usd in spent.items():
            some = uncached if kind == "input" else tokens[f"tokens.useful.{kind}"]
            found[kind if some else "unpriced"] += part_usd
    return found


def whole(books, usd, terms):
    """What is told of all routes together, and of the fleet."""
    found = figures(books, list(books.routes), usd, terms["window_s"])
    total_usd, hours = found["usd.by_use"], terms["window_s"] / 3600
    found["bill.total_usd"], found["bill.usd_per_hour"] = total_usd, total_usd / hours
    found["bill.usd_per_month"] = total_usd / hours * 730
    for name, pool in terms["pools"].items():
        paid_h = sum(books.held_s[name]).sum() / 3600
        mine = [route for route, spec in books.specs.items() if name in spec["pools"]]
        found["gpu_hours.paid"] += paid_h * pool["gpus"]
        found["replica_hours"] += paid_h
        for route in mine:
            served = books.routes[route].served[name]
            found["replica_hours.worked"] += served / pool["tokens_per_s"] / 3600
            for group in ("good", "lost"):
                seconds = books.seconds(route, name, [group]).total()
                found[f"gpu_hours.{group}"] += seconds / 3600 * pool["gpus"]
    found["utilization.benchmark"] = found["replica_hours.worked"] / found["replica_hours"]
    return found

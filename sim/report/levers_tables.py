"""Levers tables: what could be changed and what it would save, what an SLO costs; no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sim.report.compare_tables import NO_DIFFERENCE, comparison_table, signed, told_interval
from sim.report.numerals import MISSING, dollars, seconds
from sim.report.table import Table, table
from sim.studies.levers import MONTHLY, Effect, Levers
from sim.studies.paired import Paired
from sim.studies.sensitivity import Sensitivity, Swing
from sim.studies.slo_price import SloPrice, targets


def ranking(found: Levers) -> list[Table]:
    """The levers by what they save, and those that do not apply."""
    tables = [_ranked(found)]
    if found.left_out:
        rows = [(f"{lever.where}: {lever.name}", lever.obstacle) for lever in found.left_out]
        tables.append(table("Levers that do not apply", ["<lever", "<why"], rows))
    return tables


def _ranked(found: Levers) -> Table:
    rows = [_effect(effect) for effect in found.effects]
    heads = ["<change", "same fleet:\n$/month saved", "resized:\n$/month saved", "<95 % interval"]
    heads += ["<p95 that changes most, same fleet"]
    same = dollars(found.base.statement.bill.usd_per_month)
    small = dollars(found.resized.result.statement.bill.usd_per_month)
    note = f"Of {same} a month as it is, and {small} with the fleet resized to its SLOs. "
    note += "Resized: both fleets, before and after, are the smallest that meet every SLO. "
    note += "Each interval is a 95 % one by itself. Levers do not add up."
    if found.resized.note:
        note += f" ({found.resized.note}.)"
    return table("What each change would save", heads, rows, note)


def _effect(effect: Effect) -> tuple[str, ...]:
    same, small = effect.same_fleet.of(MONTHLY), effect.resized.of(MONTHLY)
    told = "SLO missed" if effect.met is False else _saving_interval(small)
    return (
        f"{effect.where}: {effect.sentence}",
        _saved(same),
        _saved(small),
        told,
        _slowest(effect),
    )


def _saved(found: Paired | None) -> str:
    if found is None:
        return MISSING
    return dollars(-found.difference if found.difference else 0.0)


def _saving_interval(found: Paired | None) -> str:
    if found is None:
        return MISSING
    if found.interval is None or not found.shown:
        return told_interval(found, "usd") if found.difference else NO_DIFFERENCE
    return f"{dollars(-found.interval.high)} to {dollars(-found.interval.low)}"


def _slowest(effect: Effect) -> str:
    found = effect.slowest()
    if found is None:
        return NO_DIFFERENCE
    measure, pair = found
    return f"{measure.label.removesuffix(' p95')} {seconds(pair.before)} to {seconds(pair.after)}"


def question(effect: Effect) -> list[Table]:
    """One change in full: prices and p95s on the same fleet and resized, and the replicas."""
    before, after = effect.fleets
    replicas = ", ".join(_sized(name, before, after) for name in before)
    note = f"Smallest fleets that meet the SLOs: {replicas}."
    title = f"{effect.where}: {effect.sentence}"
    return [
        comparison_table(f"{title} - on the same fleet", effect.same_fleet),
        comparison_table(f"{title} - fleets resized to their SLOs", effect.resized, note),
    ]


def _sized(name: str, before: Mapping[str, float], after: Mapping[str, float]) -> str:
    if name not in after:
        return f"{name} gone"
    if before[name] == after[name]:
        return f"{name} {before[name]:.4g} still"
    return f"{name} {before[name]:.4g} to {after[name]:.4g}"


def slo_table(prices: Sequence[SloPrice]) -> Table:
    """What the SLOs cost: targets against $ per month of the smallest fleet that meets them."""
    rows = [_slo_row(price) for price in prices]
    heads = ["<SLOs", "<replicas", "$ per month", "$ per 1M", "against 1x", "<95 % interval"]
    first = targets(next(p for p in prices if p.times == 1.0).resized.scenario)
    named = "; ".join(f"{name.replace('_', ' ')} {seconds(s)}" for name, s in first.items())
    return table("What p95 costs", heads, rows, f"At 1x: {named}.")


def _slo_row(price: SloPrice) -> tuple[str, ...]:
    result = price.resized.result
    money = result.statement
    month = price.against.of(MONTHLY)
    usage = result.usage
    sized = ", ".join(f"{n} {p.paid_s / usage.window_s:.4g}" for n, p in usage.pools.items())
    return (
        f"{price.times:g}x" + (" (missed)" if price.resized.met is False else ""),
        sized,
        dollars(money.bill.usd_per_month),
        dollars(money.cost.by_use.usd_per_million_useful_tokens),
        "" if month is None or price.times == 1.0 else signed(month.difference, "usd"),
        "" if month is None or price.times == 1.0 else told_interval(month, "usd"),
    )


def sensitivity_tables(found: Sensitivity) -> list[Table]:
    """The doubts by their swing, apart from the interval of chance, and those that do not apply."""
    rows = [_swing(swing) for swing in found.swings]
    heads = ["<doubt", "<from", "<to", "same fleet:\n$ per 1M", "resized:\n$ per 1M"]
    heads += ["resized:\n$ per month"]
    tables = [table("What is not known for sure", heads, rows, _chance(found))]
    if found.left_out:
        left = [(doubt.name, doubt.obstacle) for doubt in found.left_out]
        tables.append(table("Doubts that do not apply", ["<doubt", "<why"], left))
    return tables


def _swing(swing: Swing) -> tuple[str, ...]:
    return (
        swing.doubt.name,
        swing.low.label,
        swing.high.label,
        _ends(swing.usd_per_million(resized=False)),
        _ends(swing.usd_per_million(resized=True)),
        _ends(_months(swing)),
    )


def _months(swing: Swing) -> tuple[float, float] | None:
    ends = [moved.resized.of(MONTHLY) for moved in (swing.low, swing.high)]
    if ends[0] is None or ends[1] is None:
        return None
    return ends[0].after, ends[1].after


def _ends(ends: tuple[float, float] | None) -> str:
    return MISSING if ends is None else f"{dollars(ends[0])} to {dollars(ends[1])}"


def _chance(found: Sensitivity) -> str:
    """What the replications alone leave open, told apart from the doubts."""
    parts = []
    for way, result in (("as it is", found.base), ("resized", found.resized.result)):
        value = result.statement.cost.by_use.usd_per_million_useful_tokens
        bounds = result.intervals.get("cost.usd_per_million_useful_tokens")
        chance = "" if not bounds else f" ({dollars(bounds[0])} to {dollars(bounds[1])} by chance)"
        parts.append(f"{way} {dollars(value)} per 1M{chance}")
    return f"The scenario {parts[0]}, {parts[1]}. Doubts are moved one at a time."

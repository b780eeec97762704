"""Hosted answers: from what traffic on a fleet pays, and which routes to send away; no clock."""

from __future__ import annotations

from collections.abc import Sequence

from sim.report.numerals import clean, count, dollars, significant, tokens
from sim.report.summary import Json, Summary
from sim.report.table import Table, table

SHOWN = 12
"""Rows of levels at most."""


LEGEND = "* simulated; the other levels are arithmetic on what replicas carried there."


def break_even_table(summary: Summary) -> Table:
    """Some of the levels, those around the crossing among them, and the answer below."""
    found = summary.part_of("break_even")
    assert found is not None
    levels = found.rows("levels")
    rows = [_level(found, level) for level in _chosen(found, levels)]
    heads = ["requests\nper s", "M tokens\na day", "replicas", "own $\na month", "API $\na month"]
    heads += ["own fleet\ncosts more by"]
    title = "Break-even: all traffic times so much, the fleet resized"
    note = " ".join([*answer(found), LEGEND, *_notes(found)])
    return table(title, ["<traffic", *heads], rows, note)


def _level(found: Summary, level: Json) -> tuple[str, ...]:
    multiple = float(level["multiple"])
    difference = level["difference_usd_per_month"]
    replicas = " + ".join(significant(float(n)) for n in level["replicas"].values())
    return (
        f"{multiple:g} x{' *' if level['simulated'] else ''}",
        significant((found.number("requests_per_s") or 0.0) * multiple),
        significant((found.number("tokens_per_day") or 0.0) * multiple / 1e6),
        replicas,
        dollars(level["self_usd_per_month"]["value"]),
        dollars(level["api_usd_per_month"]),
        _give_or_take(difference),
    )


def _give_or_take(figure: Json) -> str:
    """Dollars with half the width of their interval, which is as wide on both sides."""
    bounds = figure["ci95"]
    more = f" ± {dollars((bounds[1] - bounds[0]) / 2.0)}" if bounds else ""
    return dollars(figure["value"]) + more


def _chosen(found: Summary, levels: Sequence[Json]) -> list[Json]:
    """All that were simulated, the crossing and its bracket, and the rest spread evenly."""
    marks = {found.number("multiple"), *(found.get("bracket") or ()), 1.0}
    picked = {
        i for i, level in enumerate(levels) if level["simulated"] or level["multiple"] in marks
    }
    free = max(2, SHOWN - len(picked))
    step = max(1, (len(levels) - 1) // (free - 1)) if len(levels) > 1 else 1
    picked |= set(range(0, len(levels), step)) | {len(levels) - 1}
    return [levels[i] for i in sorted(picked)]


def answer(found: Summary) -> list[str]:
    """The break-even in words, with what the replications leave open."""
    levels, multiple = found.rows("levels"), found.number("multiple")
    least, most = (float(levels[i]["multiple"]) for i in (0, -1))
    own, least_own = (float(level["self_usd_per_month"]["value"]) for level in
                      (found.get("today"), _at(levels, 1.0) or found.get("today")))  # fmt: skip
    today = [f"Today's fleet costs {dollars(own)} a month, resized {dollars(least_own)}."]
    if found.text("verdict") == "never":
        return [*today, f"Up to {most:g} x the traffic the API is cheaper, or is so again."]
    if found.text("verdict") == "always" or multiple is None:
        return [*today, f"A fleet of one's own is cheaper at every level from {least:g} x on."]
    rate, day = ((found.number(k) or 0.0) for k in ("requests_per_s", "tokens_per_day"))
    text = f"From {multiple:g} x the traffic on ({significant(rate * multiple)} requests per s, "
    text += f"{tokens(day * multiple)} tokens a day) a fleet of one's own is cheaper."
    return [*today, text, *_sure(found, levels, multiple)]


def _at(levels: Sequence[Json], multiple: float) -> Json | None:
    return next((level for level in levels if level["multiple"] == multiple), None)


def _sure(found: Summary, levels: Sequence[Json], multiple: float) -> list[str]:
    """How sure the crossing is: the interval tells it of what was simulated, and only of that."""
    place = [level["multiple"] for level in levels].index(multiple)
    if not all(level["simulated"] for level in levels[max(0, place - 1) : place + 1]):
        return ["That is arithmetic: so much traffic was not simulated (--simulate-up-to)."]
    low, high = found.get("bracket")
    if low is None or high is None:
        side = "the API is" if low is None else "the fleet is"
        return [f"Nowhere in this range is it sure that {side} cheaper."]
    text = f"The API is surely cheaper up to {low:g} x, the fleet surely from {high:g} x"
    between = [level for level in levels if low < level["multiple"] < high]
    saw = "; between them whole replicas make it a saw, or the interval leaves it open"
    return [f"{text}{saw if between else ''}."]


def _notes(found: Summary) -> list[str]:
    return [f"{clean(note)[:1].upper()}{clean(note)[1:]}." for note in found.rows("notes")]


def choices_table(summary: Summary) -> Table:
    """A row per route that could go: what it would save, and what its API takes."""
    found = summary.part_of("keep_or_send")
    assert found is not None
    rows = [_choice(choice) for choice in found.rows("choices")]
    heads = ["replicas with\n/ without", "avoided $\na month", "API $\na month", "saved a month"]
    note = (
        "Avoided: the smallest fleet that all routes need less the smallest that the others need, "
        "never a share of the bill. Savings of routes that share a pool do not add up, so "
        "those stand once more together. People and whatever else stays is not avoided."
    )
    notes = " ".join([note, *_notes(found)])
    return table("Keep or send, route by route", ["<routes", *heads, "<advice"], rows, notes)


def _choice(choice: Json) -> tuple[str, ...]:
    pools = choice["replicas"].values()
    return (
        " + ".join(choice["routes"]),
        ", ".join(f"{significant(p['with'])} / {significant(p['without'])}" for p in pools),
        dollars(choice["avoided_usd_per_month"]["value"]),
        dollars(choice["api_usd_per_month"]),
        _give_or_take(choice["saved_usd_per_month"]),
        str(choice["advice"]),
    )


def opening(summary: Summary) -> str:
    """Whose comparison it is, as the first line of a screen."""
    runs, seed = count(summary.number("replications")), summary.text("seed")
    name = clean(summary.title)
    return f"{name}: hosted API or a fleet of one's own; {runs} replications, seed {seed}"

"""Levers verb: what changes would save, what p95 costs, what is not known for sure; no clock."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sim.cli.errors import OK, InputError
from sim.cli.options import jobs_of
from sim.cli.pairing import Ran, common, finish, told
from sim.cli.progress import Progress
from sim.cli.scenario import overrides

if TYPE_CHECKING:
    from sim.scenario.document import Scenario
    from sim.studies.lever import Lever

LEAST, MOST = 0.01, 100.0
"""Multiples of the SLOs that may be asked for."""


def _tokens(_: click.Context, option: click.Parameter, text: str | None) -> int | None:
    from sim.units import parse_tokens

    if text is None:
        return None
    sign = -1 if text.startswith("-") else 1
    try:
        return sign * parse_tokens(text.lstrip("+-"))
    except ValueError as error:
        raise click.BadParameter(f"{error}; give e.g. +2000 or -300") from None


def _times(_: click.Context, option: click.Parameter, text: str | None) -> tuple[float, ...]:
    if text is None:
        return ()
    try:
        times = tuple(float(part.strip().removesuffix("x")) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"must be multiples such as 0.5x,1x,2x (got {text!r})") from None
    if not all(LEAST <= t <= MOST for t in times):
        raise click.BadParameter(f"must be within {LEAST:g}x and {MOST:g}x (got {text!r})")
    return times


@click.command(short_help="What changes would save, what p95 costs, what is not sure.")
@click.argument("file")
@overrides
@click.option(
    "--template", callback=_tokens, metavar="TOKENS",
    help="Only the hidden template: so many tokens more (+2000) or fewer (-300), in full.",
)  # fmt: skip
@click.option(
    "--slo", "times", callback=_times, metavar="TIMES",
    help="What p95 costs instead: resized at multiples of the SLOs, such as 0.5x,1x,2x.",
)  # fmt: skip
@click.option(
    "--sensitivity", is_flag=True,
    help="What is not known for sure instead: prices, demand, lengths, step times, failures.",
)  # fmt: skip
@click.option("--only", multiple=True, metavar="NAME", help="Only levers of that name. Repeatable.")
@click.option(
    "--route", "routes", multiple=True, metavar="NAME",
    help="Only levers on that route and its pools. Repeatable.",
)  # fmt: skip
@click.option(
    "--cap", type=click.IntRange(1, 10**6), default=256, show_default=True,
    help="Tokens at which the lever cap-output cuts answers.",
)  # fmt: skip
@common
def levers(
    file: str,
    overrides: tuple[str, ...],
    template: int | None,
    times: tuple[float, ...],
    sensitivity: bool,
    only: tuple[str, ...],
    routes: tuple[str, ...],
    cap: int,
    seed: int | None,
    replications: int,
    jobs: int | None,
    out: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Rank what could be changed about FILE by the dollars a month that it would save.

    Every change runs on the same random numbers as the scenario itself, on the same fleet and
    with both fleets resized to their SLOs: on a fixed fleet no saving shows.
    """
    from sim.scenario.load import load

    if sum((template is not None, bool(times), sensitivity)) > 1:
        raise InputError("give only one of --template, --slo and --sensitivity")
    ran = Ran(out, as_json, quiet)
    scenario = load(file, overrides)
    if seed is not None:
        scenario = scenario.model_copy(update={"seed": seed})
    with Progress(quiet or as_json) as progress:
        if times:
            _slo(scenario, times, replications, jobs, progress, ran)
        elif sensitivity:
            _sensitivity(scenario, replications, jobs, progress, ran)
        else:
            chosen = _chosen(scenario, template, cap, only, routes)
            _levers(scenario, chosen, template, replications, jobs, progress, ran)
    return OK


def _chosen(
    scenario: Scenario,
    template: int | None,
    cap: int,
    only: tuple[str, ...],
    routes: tuple[str, ...],
) -> list[Lever]:
    from sim.scenario.hint import hint, listed
    from sim.studies.lever_routes import RouteAmounts, template_lever
    from sim.studies.levers import all_levers

    for name in routes:
        if name not in scenario.routes:
            raise InputError(
                f"no route is called {name!r}; there is {listed(list(scenario.routes))}"
            )
    if template is not None:
        return [template_lever(scenario, name, template) for name in routes or scenario.routes]
    found = all_levers(scenario, RouteAmounts(cap=cap))
    names = list(dict.fromkeys(lever.name for lever in found))
    for name in only:
        if name not in names:
            raise InputError(f"--only: {hint(name, names)}; there is {listed(names, most=30)}")
    where = {*routes, *(pool for name in routes for pool in scenario.routes[name].pools)}
    return [
        lever
        for lever in found
        if (not only or lever.name in only) and (not where or lever.where in where)
    ]


def _levers(
    scenario: Scenario,
    chosen: list[Lever],
    template: int | None,
    replications: int,
    jobs: int | None,
    progress: Progress,
    ran: Ran,
) -> None:
    from sim.report.levers_tables import question, ranking
    from sim.studies.levers import document, pull, rows

    found = pull(
        scenario,
        chosen,
        replications=replications,
        jobs=jobs_of(jobs),
        progress=told(progress, "simulations and levers"),
    )
    tables = ranking(found)
    if template is not None:
        tables = [*(t for effect in found.effects for t in question(effect)), *tables[1:]]
    shown = tables[:1] if ran.quiet and template is None else tables
    finish(ran, "levers", document(found), list(rows(found)), shown, sys.stdout)


def _slo(
    scenario: Scenario,
    times: tuple[float, ...],
    replications: int,
    jobs: int | None,
    progress: Progress,
    ran: Ran,
) -> None:
    from sim.report.levers_tables import slo_table
    from sim.studies.slo_price import document, slo_prices

    if all(route.slo is None for route in scenario.routes.values()):
        raise InputError("--slo: no route has an slo")
    found = slo_prices(
        scenario,
        times,
        replications=replications,
        jobs=jobs_of(jobs),
        progress=told(progress, "SLOs"),
    )
    tree = document(found)
    records = [{"times": t["times"], "met": t["met"], **t["figures"]} for t in tree["targets"]]
    finish(ran, "slo", tree, records, [slo_table(found)], sys.stdout)


def _sensitivity(
    scenario: Scenario, replications: int, jobs: int | None, progress: Progress, ran: Ran
) -> None:
    from sim.report.canvas import render
    from sim.report.levers_tables import sensitivity_tables
    from sim.report.tornado_figure import tornado_figure, tornado_of
    from sim.studies.doubts import doubts
    from sim.studies.sensitivity import document, rows, sensitivity

    found = sensitivity(
        scenario,
        list(doubts(scenario)),
        replications=replications,
        jobs=jobs_of(jobs),
        progress=told(progress, "simulations and doubts"),
    )
    tornado = tornado_of(found)
    figures = {} if tornado is None or ran.directory is None else {
        "tornado": render(tornado_figure(tornado))
    }  # fmt: skip
    tables = sensitivity_tables(found)
    shown = tables[:1] if ran.quiet else tables
    kept = {**document(found), "tornado": None if tornado is None else asdict(tornado)}
    finish(ran, "sensitivity", kept, rows(found), shown, sys.stdout, figures)

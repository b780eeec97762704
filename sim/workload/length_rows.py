"""Length rows: how near fitted lengths come to a trace's own; knows no clock."""

from __future__ import annotations

from sim.scenario.lengths import Lengths
from sim.traffic.lengths import Field
from sim.workload.length_distance import (
    Pairs,
    distance,
    drawn_at_once,
    draws,
    joint_distance,
    noise,
    pairs_of,
    sample_distance,
)
from sim.workload.length_fit import LengthFit, fit_lengths
from sim.workload.requests import Requests
from sim.workload.rows import Row, missing
from sim.workload.tables import Weights
from sim.workload.token_table import share_of, table_of

IN_SAMPLE = 0.035
ABOVE_FLOOR = 0.02
LEAST_ROWS = 30
LEAST_HALF = 100
"""Requests of a half from which its distribution is worth comparing."""

_FIELDS: tuple[Field, Field] = ("input", "output")

Halves = tuple[Requests, Requests]


def halves_of(requests: Requests) -> Halves:
    """Return the first and the second half by rows; every other one of a table without times."""
    if requests.arrived_at_s is None:
        return requests.rows(slice(0, None, 2)), requests.rows(slice(1, None, 2))
    middle = len(requests) // 2
    return requests.rows(slice(0, middle)), requests.rows(slice(middle, None))


def is_dependent(requests: Requests) -> bool:
    """Whether ten bins of the input's rank beat independence on the half they were not made of."""
    halves = halves_of(requests)
    if min(map(len, halves)) < LEAST_HALF * 2:
        return False
    bins, alone = (sum(_joint_both_ways(halves, dependent)) for dependent in (True, False))
    return bins < alone


def length_rows(requests: Requests, fitted: LengthFit, seeds: int) -> list[Row]:
    """Return distances in the sample and on the other half, of each side and of both together."""
    rows = [_in_sample(requests, fitted, field, seeds) for field in _FIELDS]
    halves = halves_of(requests)
    dependent = fitted.output_given_input is not None
    if min(map(len, halves)) < LEAST_HALF:
        why = f"{len(requests)} requests are too few: each half needs {LEAST_HALF}"
        names = [_held_out_name(field) for field in _FIELDS]
        return rows + [missing(name, why) for name in [*names, _JOINT]]
    rows += [_held_out(halves, dependent, field, seeds) for field in _FIELDS]
    return [*rows, _joint_row(halves, dependent, seeds)]


def weight_rows(weights: Weights) -> list[Row]:
    """Return the distance of the table that stands for *weights*; they have no halves."""
    share = share_of(weights.tokens, weights.probability)
    value = distance(table_of(share).spec(), weights.field, share)
    name, note = _in_sample_name(weights.field), "29 points"
    row = Row(name, value, f"<= {IN_SAMPLE:g}", None, None, value <= IN_SAMPLE, note)
    why = "a table of weights has no halves"
    return [row, missing(_held_out_name(weights.field), why)]


_JOINT = "joint CDF distance, held out"


def _in_sample_name(field: str) -> str:
    return f"length KS in sample, {field}"


def _held_out_name(field: str) -> str:
    return f"length KS held out, {field}"


def _in_sample(requests: Requests, fitted: LengthFit, field: Field, seeds: int) -> Row:
    name = _in_sample_name(field)
    if len(requests) < LEAST_ROWS:
        return missing(name, f"{len(requests)} requests are too few: needs {LEAST_ROWS}")
    tokens = requests.input_tokens if field == "input" else requests.output_tokens
    model = _model(fitted, field)
    value = distance(model, field, share_of(tokens))
    band = _noise(fitted, field, len(requests), seeds)
    met = value <= IN_SAMPLE
    note = "29 points" if met else "the sample has more steps than 29 points can follow"
    return Row(name, value, f"<= {IN_SAMPLE:g}", None, band, met, note)


def _held_out(halves: Halves, dependent: bool, field: Field, seeds: int) -> Row:
    sides = [pairs_of(half)[_FIELDS.index(field)] for half in halves]
    floor = sample_distance(sides[0], sides[1])
    fits = [fit_lengths(half, dependent) for half in halves]
    ways = [
        distance(_model(fits[train], field), field, share_of(sides[1 - train])) for train in (0, 1)
    ]
    band = _noise(fits[0], field, len(sides[1]), seeds)
    note = f"fitted on half 1: {ways[0]:.3f}, on half 2: {ways[1]:.3f}"
    return _above_floor(_held_out_name(field), max(ways), floor, band, note)


def _joint_row(halves: Halves, dependent: bool, seeds: int) -> Row:
    floor = max(joint_distance(pairs_of(a), pairs_of(b)) for a, b in (halves, halves[::-1]))
    bins, alone = (_joint_both_ways(halves, by_bins) for by_bins in (True, False))
    value = max(bins if dependent else alone)
    fitted = fit_lengths(halves[0], dependent)
    model = draws(fitted.input_spec(), fitted.output_spec())
    n = len(halves[1])

    def measure(seed: int) -> float:
        return joint_distance(_sample(fitted, n, seed), model)

    note = f"ten input-rank bins {max(bins):.3f}, independent {max(alone):.3f}"
    return _above_floor(_JOINT, value, floor, noise(measure, n, seeds), note)


def _joint_both_ways(halves: Halves, dependent: bool) -> tuple[float, float]:
    """Return the joint distance to each half of a model that was fitted on the other."""
    found = []
    for train, test in (halves, halves[::-1]):
        fitted = fit_lengths(train, dependent)
        model = draws(fitted.input_spec(), fitted.output_spec())
        found.append(joint_distance(model, pairs_of(test)))
    return found[0], found[1]


def _noise(fitted: LengthFit, field: Field, n: int, seeds: int) -> tuple[float, float]:
    model, place = _model(fitted, field), _FIELDS.index(field)

    def measure(seed: int) -> float:
        return distance(model, field, share_of(_sample(fitted, n, seed)[place]))

    return noise(measure, n, seeds)


def _sample(fitted: LengthFit, n: int, seed: int) -> Pairs:
    return draws(fitted.input_spec(), fitted.output_spec(), drawn_at_once(n), seed)


def _model(fitted: LengthFit, field: Field) -> Lengths:
    return fitted.input_spec() if field == "input" else fitted.output_spec()


def _above_floor(
    name: str, value: float, floor: float, band: tuple[float, float], note: str
) -> Row:
    most = floor + ABOVE_FLOOR
    met = value <= most
    why = note if met else f"{note}: the halves differ by {floor:.3f}, more points do not help"
    return Row(name, value, f"<= {most:.3f} (floor + {ABOVE_FLOOR:g})", floor, band, met, why)

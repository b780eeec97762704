"""Calibration parameters: the numbers of host and card that can be fitted; knows no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sim.catalog.models import model
from sim.fleet.build import build_host
from sim.scenario.pool import Pool
from sim.scenario.timing import ExplicitHost

HOST = "host"


@dataclass(frozen=True)
class Parameter:
    """One number: `name` as in a scenario, of `owner`: the host, a card or a model.

    `start` is what the scenario says now, [low, high] what is possible. `vague`: a standard error
    above it is as good as no knowledge, about the spread of the number over machines that were
    measured (the ranges of `tokenfleet catalog hosts` and `gpus`).
    """

    name: str
    owner: str
    start: float
    low: float
    high: float
    vague: float

    @property
    def title(self) -> str:
        """Name for people, with the owner where there may be several."""
        return self.name if self.owner == HOST else f"{self.name} of {self.owner}"


Values = Mapping[Parameter, float]
"""What each parameter is set to."""

_HOST: tuple[tuple[str, float, float], ...] = (
    ("per_step_s", 0.01, 0.0003),
    ("per_sequence_s", 0.0005, 15e-6),
    ("per_prefill_step_s", 0.1, 0.004),
    ("first_token_s", 0.5, 0.01),
)
"""Name, highest, vague."""


def parameters_of(pools: Iterable[Pool], fixed: Iterable[str] = ()) -> list[Parameter]:
    """All that *pools* leave to fit: one serving stack, a factor per card, two per MoE model.

    Those called *fixed* are left out, and so stay as they are. Starts are those of the first pool
    that has the number.
    """
    found: dict[tuple[str, str], Parameter] = {}
    for pool in pools:
        for one in _of_pool(pool):
            found.setdefault((one.name, one.owner), one)
    return [one for one in found.values() if one.name not in set(fixed)]


def _of_pool(pool: Pool) -> Iterable[Parameter]:
    host = build_host(pool.host)
    for name, high, vague in _HOST:
        yield Parameter(name, HOST, getattr(host, name), 0.0, high, vague)
    start = pool.resolved_compute_factor
    yield Parameter("compute_factor", _card(pool), start, 0.3, 5.0, 0.25)
    if is_moe(pool):
        yield Parameter("moe_base_factor", _model(pool), host.moe_base_factor, 0.3, 4.0, 0.15)
        yield Parameter("moe_sparse_factor", _model(pool), host.moe_sparse_factor, 0.1, 4.0, 0.15)


def is_moe(pool: Pool) -> bool:
    """Whether its step times are a catalog's table of a mixture of experts."""
    return not pool.explicit and pool.model is not None and model(pool.model).experts > 0


def _card(pool: Pool) -> str:
    return pool.gpu or "this card"


def _model(pool: Pool) -> str:
    return pool.model or "this model"


def applied(pool: Pool, values: Values) -> Pool:
    """*pool* with those of *values* that are its own."""
    named = {(p.name, p.owner): value for p, value in values.items()}
    host = build_host(pool.host)
    numbers = {name: named.get((name, HOST), getattr(host, name)) for name, _, _ in _HOST}
    for name in ("moe_base_factor", "moe_sparse_factor"):
        numbers[name] = named.get((name, _model(pool)), getattr(host, name))
    factor = named.get(("compute_factor", _card(pool)), pool.resolved_compute_factor)
    return pool.model_copy(update={"host": ExplicitHost(**numbers), "compute_factor": factor})


def block(pools: Mapping[str, Pool], values: Values, digits: int = 3) -> str:
    """YAML to paste into a scenario: host and compute factor of each of *pools* under *values*."""
    lines = ["pools:"]
    for name, pool in pools.items():
        fitted = applied(pool, values)
        assert isinstance(fitted.host, ExplicitHost)
        lines += [f"  {name}:", f"    compute_factor: {fitted.compute_factor:.{digits}g}"]
        lines.append("    host:")
        for key, value in fitted.host.model_dump().items():
            if is_moe(pool) or not key.startswith("moe_"):
                lines.append(f"      {key}: {_shown(value, digits)}")
    return "\n".join(lines) + "\n"


def _shown(value: float, digits: int) -> str:
    """A number as YAML 1.1 and 1.2 both read it: with a point before an exponent.

    >>> _shown(2.6e-5, 3), _shown(0.003, 3), _shown(0, 3)
    ('2.6e-05', '0.003', '0.0')
    """
    text = repr(float(f"{value:.{digits}g}"))
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}{'' if '.' in mantissa else '.0'}{e}{exponent}"

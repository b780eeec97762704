"""Presets: constants of a workload's arrivals and sessions, as published or fitted; no clock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Burst:
    """One Ornstein-Uhlenbeck term of ln(rate): stationary `variance`, relaxation `time_s`.

    With terms of variance v_k and time t_k the counts in windows of w s at rate r have, once w is
    many gaps long, variance / mean = 1 / gap_shape + (2 r / w) times the integral, t from 0 to w,
    of (w - t) (exp(sum v_k e^(-t/t_k)) - 1) (Cox 1955, of a rate whose logarithm is normal).
    """

    variance: float
    time_s: float


@dataclass(frozen=True, kw_only=True)
class ArrivalPreset:
    """When requests come: their mean rate, and what makes them uneven.

    `mean_rps` counts requests (not batches) over a whole week; `gap_shape` is that of the gamma
    gaps, 1 for Poisson; batches have a geometric size of the given mean and `batch_gap_s` between
    two requests; `day_curve` names one of the catalog, None where the source shows none.
    """

    mean_rps: float
    gap_shape: float = 1.0
    bursts: tuple[Burst, ...] = ()
    batch_mean_size: float = 1.0
    batch_gap_s: float = 0.0
    day_curve: str | None = None


@dataclass(frozen=True, kw_only=True)
class SessionPreset:
    """Several turns of one user, each sending again what was said before.

    `gap_s` (from the arrival of a turn to that of the next), `first_tokens` (of the first turn)
    and `new_tokens` (of later ones, beyond all that was said before) are quantiles at `levels`,
    linear in the logarithm in between; tokens leave out the workload's template.
    """

    mean_turns: float
    levels: tuple[float, ...]
    gap_s: tuple[float, ...]
    first_tokens: tuple[float, ...]
    new_tokens: tuple[float, ...]

    @property
    def turn_continue(self) -> float:
        """Probability that a turn is not the last, the same after each: turns are geometric."""
        return 1.0 - 1.0 / self.mean_turns


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One figure as it comes out of a workload's constants, and as its source has it.

    Figures of arrivals come out of formulas, for the rate and the span of the source.
    """

    figure: str
    preset: float
    source: float

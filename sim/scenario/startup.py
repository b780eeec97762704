"""Startup: the phases of a replica's cold start, as a scenario says them; knows no clock."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Discriminator, Field, Tag

from sim.catalog.startup import PHASES, startup, startups
from sim.scenario.durations import DurationLaw, FixedDuration
from sim.scenario.hint import did_you_mean, hint
from sim.scenario.kind import TAG_MARK, tag
from sim.scenario.scalar import Flag, Number
from sim.scenario.spec import Fault, Spec

if TYPE_CHECKING:  # numpy, which reading a scenario does without
    from sim.laws.law import Law

NO_STARTUP = "none"
"""The startup that takes no time."""


class Phases(NamedTuple):
    """The laws of the phases of a cold start, in seconds; they follow one another."""

    provision: Law
    pull: Law
    load: Law
    init: Law
    first_request: Law


class Bandwidth(Spec):
    """Weights loaded at a rate: their bytes over it."""

    gb_per_s: Annotated[Number, Field(gt=0, le=10_000)] = Field(
        description="Gigabytes (10⁹ bytes) a second, for all GPUs of a replica together."
    )
    gb: Annotated[Number, Field(gt=0, le=1e6)] | None = Field(
        default=None,
        description="Gigabytes of the weights. Default: those of the pool's model, in its "
        "precision.",
    )

    def seconds(self, weight_bytes: int | None) -> float:
        """Return the time that weights of *weight_bytes* take, if `gb` says no other size.

        Raises ValueError if neither is known.
        """
        if self.gb is not None:
            return self.gb / self.gb_per_s
        if weight_bytes is None:
            raise ValueError("the size of the weights is not known")
        return weight_bytes / 1e9 / self.gb_per_s


def _load_tag(value: Any) -> str:
    if isinstance(value, Mapping):
        keys = tuple(Bandwidth.model_fields)
        by_rate = any(did_you_mean(str(key), keys) for key in value)
        return tag(Bandwidth) if by_rate else TAG_MARK + "time"
    return tag(Bandwidth) if isinstance(value, Bandwidth) else TAG_MARK + "time"


Load = Annotated[
    Annotated[Bandwidth, Tag(tag(Bandwidth))] | Annotated[DurationLaw, Tag(TAG_MARK + "time")],
    Discriminator(_load_tag),
]
"""How long loading the weights takes: a time, a law of times, or ``{gb_per_s: 2}``."""


def _check_name(name: Any) -> Any:
    return _checked(name, "")


def _check_startup(value: Any) -> Any:
    if isinstance(value, Mapping | Spec):
        return value
    return _checked(value, ", or a mapping of phases such as {provision: 4m}")


def _checked(name: Any, otherwise: str) -> Any:
    names = (*(row.name for row in startups()), NO_STARTUP)
    if name not in names:
        rule = f"must be one of {', '.join(names)}{otherwise}"
        raise Fault(f"{rule} ({hint(name, names)})")
    return name


StartupName = Annotated[str, BeforeValidator(_check_name)]
"""The name of a startup of the catalog, or none."""


class Startup(Spec):
    """A cold start, phase by phase; they follow one another."""

    like: StartupName = Field(
        default=NO_STARTUP,
        description="Phases that are left out are like those of this startup of the catalog. "
        "Default: none, they take no time.",
        json_schema_extra={"x-catalog": "startups"},
    )
    provision: DurationLaw | None = Field(
        default=None, description="From asking for a node until it could run something."
    )
    pull: DurationLaw | None = Field(
        default=None, description="Download and unpack the engine's image."
    )
    load: Load | None = Field(
        default=None,
        description="Weights into the GPUs' memory: a time, or {gb_per_s: 2.0} for their bytes "
        "over a rate.",
    )
    init: DurationLaw | None = Field(
        default=None, description="Start of the engine: checks, compilation, graphs, warm-up."
    )
    first_request: DurationLaw | None = Field(
        default=None,
        description="What an engine's first request takes longer, since it compiles what is left.",
    )
    warmed: Flag = Field(
        default=True,
        description="Whether the first request is a warm-up's, before the replica is ready: else "
        "users wait for it.",
    )

    def phase(self, name: str) -> DurationLaw | Bandwidth:
        """Return what is said of the phase *name* (one of `PHASES`), here or where it is like."""
        given: DurationLaw | Bandwidth | None = getattr(self, name)
        if given is not None:
            return given
        if self.like == NO_STARTUP:
            return FixedDuration(0.0)
        return startup_named(self.like).phase(name)

    @property
    def needs_size(self) -> bool:
        """Whether the size of the weights must be known to say how long loading takes."""
        load = self.phase("load")
        return isinstance(load, Bandwidth) and load.gb is None

    def without_pull(self) -> Startup:
        """Return the same cold start with an image that is there already."""
        return self.model_copy(update={"pull": FixedDuration(0.0)})

    def phases(self, weight_bytes: int | None) -> Phases:
        """Return the laws of all phases; a phase that is not said takes no time.

        Raises ValueError if `needs_size` and *weight_bytes* is None.
        """
        return Phases(*(_law(self.phase(name), weight_bytes) for name in PHASES))

    def mean_s(self, weight_bytes: int | None) -> float:
        """Return the mean time from asking for a node until its replica is ready, in s.

        Raises ValueError if `needs_size` and *weight_bytes* is None.
        """
        before = PHASES if self.warmed else PHASES[: PHASES.index("first_request")]
        return sum(_mean_s(self.phase(name), weight_bytes) for name in before)


def _law(phase: DurationLaw | Bandwidth, weight_bytes: int | None) -> Law:
    if isinstance(phase, Bandwidth):
        return FixedDuration(phase.seconds(weight_bytes)).law()
    return phase.law()


def _mean_s(phase: DurationLaw | Bandwidth, weight_bytes: int | None) -> float:
    return phase.seconds(weight_bytes) if isinstance(phase, Bandwidth) else phase.mean_s


@cache
def startup_named(name: str) -> Startup:
    """Return the startup of the catalog that is called *name*, as a spec; none takes no time.

    Raises `UnknownName`.
    """
    if name == NO_STARTUP:
        return Startup()
    laws: dict[str, Any] = {}
    for phase, row in startup(name).phases.items():
        if row.gb_per_s is not None:
            laws[phase] = {"gb_per_s": row.gb_per_s}
        elif row.fixed_s is not None:
            laws[phase] = row.fixed_s
        else:
            laws[phase] = {"lognormal": {"median": row.median_s, "p95": row.p95_s}}
    return Startup.model_validate(laws)


def _tag_of(value: Any) -> str:
    return tag(Startup) if isinstance(value, Mapping | Spec) else TAG_MARK + "name"


StartupOrName = Annotated[
    Annotated[str, Tag(TAG_MARK + "name")] | Annotated[Startup, Tag(tag(Startup))],
    Discriminator(_tag_of),
    BeforeValidator(_check_startup),
]
"""A startup of the catalog by its name, none, or a mapping of phases."""

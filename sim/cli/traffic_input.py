"""Traffic input: a trace with its options, or a scenario, as workloads with names; no clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sim.cli.errors import InputError

if TYPE_CHECKING:
    from sim.scenario.document import Scenario
    from sim.workload.parts import Part

_Command = TypeVar("_Command", bound=Callable[..., Any])

FORMATS = ("auto", "azure", "mooncake", "burstgpt", "litellm", "vllm-bench", "csv", "jsonl")
TIME_UNITS = ("auto", "s", "ms", "us", "ns")

_OPTIONS = (
    click.option(
        "--format", "format_", type=click.Choice(FORMATS), default="auto", show_default=True,
        help="Format of a trace; auto looks at its beginning.",
    ),
    click.option("--time-column", metavar="NAME", help="Column or JSON key of the arrival time."),
    click.option("--input-column", metavar="NAME", help="Column of the prompt's tokens."),
    click.option("--output-column", metavar="NAME", help="Column of the answer's tokens."),
    click.option(
        "--time-unit", type=click.Choice(TIME_UNITS), default="auto", show_default=True,
        help="Unit of times that are plain numbers.",
    ),
)  # fmt: skip


def trace_options(command: _Command) -> _Command:
    """Give *command* the options that say how a trace is read, as `Source` takes them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class Source:
    """One FILE of the command line: a scenario if it ends in .yaml or .yml, else a trace."""

    def __init__(
        self,
        file: str,
        format_: str,
        time_column: str | None,
        input_column: str | None,
        output_column: str | None,
        time_unit: str,
    ) -> None:
        self.file = file
        self._format = format_
        chosen = {"time": time_column, "input_tokens": input_column, "output_tokens": output_column}
        self._columns = {role: name for role, name in chosen.items() if name is not None}
        self._time_unit = time_unit

    @property
    def is_scenario(self) -> bool:
        """Whether the file's name is that of a scenario."""
        return Path(self.file).suffix.lower() in (".yaml", ".yml")

    def parts(self) -> list[tuple[str, Part]]:
        """The workloads of a trace, by the names of its services; TraceError if it is unsound."""
        from sim.workload.parts import parts
        from sim.workload.tables import Rates

        if self.is_scenario:
            raise InputError(f"{self.file} is a scenario; give a trace")
        found = parts(self.file, self._format, self._columns, self._time_unit)
        return [
            ((one.service if isinstance(one, Rates) else None) or one.source, one) for one in found
        ]

    def generated(
        self, overrides: Sequence[str], route: str | None, longest: str, seed: int | None
    ) -> list[tuple[str, Part]]:
        """The traffic of a scenario's routes over its horizon, or *longest* (such as 1d) of it."""
        from sim.scenario.load import load
        from sim.workload.requests import generated

        scenario = load(self.file, overrides)
        seconds = min(scenario.horizon, _duration(longest))
        seed = scenario.seed if seed is None else seed
        try:
            return [
                (name, generated(scenario, name, seconds, seed))
                for name in _routes(scenario, route)
            ]
        except ValueError as error:
            raise InputError(f"{self.file}: {error}") from error


def _routes(scenario: Scenario, route: str | None) -> list[str]:
    """The chosen route, or all that do not wait for answers (or all, if all of them do)."""
    if route is not None:
        return [route]
    open_ = [n for n, r in scenario.routes.items() if not hasattr(r.arrivals, "concurrency")]
    return open_ or list(scenario.routes)


def _duration(text: str) -> float:
    from sim.units import parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise InputError(f"--for {text}: {error}") from error
    if seconds <= 0.0:
        raise InputError(f"--for {text}: must be more than 0")
    return seconds

"""Errors: what each failure prints and which exit code it gives; knows no clock."""

from __future__ import annotations

import os
import sys
import traceback

import click

from sim.report.numerals import clean

OK, INTERNAL, BAD_INPUT, SLO_MISSED, FAILED_POINTS, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit codes."""

DEBUG = "TOKENFLEET_DEBUG"
"""Set to 1, this environment variable shows the traceback of every failure."""


class InputError(ValueError):
    """Something the user gave that cannot be used; the text says what, and what would do."""


def say(text: str) -> None:
    """Print *text* to stderr, line by line without control characters."""
    for line in text.split("\n"):
        print(clean(line), file=sys.stderr)


def failed(error: Exception) -> int:
    """Explain *error* on stderr and return the exit code."""
    if os.environ.get(DEBUG, "") not in ("", "0"):
        traceback.print_exception(error)
    if isinstance(error, click.ClickException):
        return _usage(error)
    if _is_users(error):
        say(f"tokenfleet: {error}" if "\n" not in str(error) else str(error))
        return BAD_INPUT
    say(f"tokenfleet: {_internal(error)}")
    if os.environ.get(DEBUG, "") in ("", "0"):
        say(f"Set {DEBUG}=1 to see where it happened.")
    return INTERNAL


def _usage(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    say(f"tokenfleet: {error.format_message()}")
    if context is not None:
        say(f"Try '{context.command_path} --help'.")
    return BAD_INPUT


def _is_users(error: Exception) -> bool:
    """Whether the user's input is to blame; the classes are imported when there is an error."""
    from sim.catalog.names import UnknownName
    from sim.report.atomic import OutError
    from sim.scenario.problem import ScenarioError
    from sim.studies.grid import DesignError
    from sim.studies.refusals import ClusterError, StoreError
    from sim.traffic.trace_text import TraceError

    users = InputError | OutError | ScenarioError | TraceError | UnknownName
    return isinstance(error, users | DesignError | StoreError | ClusterError)


def _internal(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "out of memory: fewer --jobs, or a shorter horizon, need less"
    if isinstance(error, OSError):
        return f"the operating system refused: {error}"
    return f"internal error, which is a bug: {type(error).__name__}: {error}"

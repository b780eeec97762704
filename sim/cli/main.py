"""Main: the entry point, which verbs there are, and what every exit code means; knows no clock."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from sim.cli.errors import INTERRUPTED, OK, failed, say
from sim.version import __version__

VERBS = {
    "run": "sim.cli.run",
    "gap": "sim.cli.gap",
    "compare": "sim.cli.compare",
    "levers": "sim.cli.levers",
    "sweep": "sim.cli.sweep",
    "plan": "sim.cli.plan",
    "report": "sim.cli.report",
    "validate": "sim.cli.scenario",
    "init": "sim.cli.scenario",
    "schema": "sim.cli.scenario",
    "hosted": "sim.cli.hosted",
    "commitments": "sim.cli.commitments",
    "catalog": "sim.cli.catalog",
    "traffic": "sim.cli.traffic",
    "calibrate": "sim.cli.calibrate",
    "backtest": "sim.cli.backtest",
}
"""Verb to the module that has a command of that name; imported when it is asked for."""

EPILOG = (
    "Exit codes: 0 ok, 2 bad input, 3 SLO missed under --fail-on-slo, "
    "4 a sweep ended with failed points, 130 interrupted, "
    "1 anything unexpected (TOKENFLEET_DEBUG=1 shows the traceback)."
)


class Verbs(click.Group):
    """The verbs, in the order in which a newcomer needs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all verbs."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb called *cmd_name*, or None."""
        if cmd_name not in VERBS:
            return None
        command = getattr(importlib.import_module(VERBS[cmd_name]), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that *args* begin with; UsageError with the nearest one if there is none."""
        verb = args[0]
        if not verb.startswith("-") and verb not in VERBS:
            near = difflib.get_close_matches(verb, VERBS, n=1)
            hint = f"; did you mean {near[0]}?" if near else f". Verbs: {', '.join(VERBS)}"
            raise click.UsageError(f"there is no verb {verb!r}{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=Verbs,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="tokenfleet", message="%(prog)s %(version)s")
def tokenfleet() -> None:
    """What self-hosted LLM tokens really cost, and why.

    Start with `tokenfleet init`, then `tokenfleet run scenario.yaml`.
    """


def main() -> None:
    """Run the command line of this process and exit."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; no exception gets out."""
    _replace_what_cannot_be_printed()
    try:
        code = tokenfleet.main(
            list(arguments) or ["--help"], prog_name="tokenfleet", standalone_mode=False
        )
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        say("tokenfleet: interrupted")
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):  # the latter is click's own answer to the former
        _close_stdout()
        return OK
    except Exception as error:
        return failed(error)
    return code if isinstance(code, int) else OK


def _replace_what_cannot_be_printed() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _close_stdout() -> None:
    """Whoever read us is gone (say, `head`): keep the interpreter from complaining at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()

"""Progress: what a long command says on stderr while it works; runs by the wall clock."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sim.cli.errors import say
from sim.report.numerals import clean, seconds

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

AFTER_S = 2.0
"""Work that is done sooner is not worth a word."""

EVERY_S = 30.0
"""Time between lines where stderr is no terminal."""

LEAST_DONE = 3
"""Parts that must be done before the time for the rest is told."""


class Progress:
    """A bar on a terminal, else a plain line now and then; nothing for short work, or if *quiet*.

    Use as a context; `update` when something is done. It goes away without a trace on a terminal.
    """

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._lock = threading.Lock()
        self._started_s = time.monotonic()
        self._what, self._done, self._total, self._note = "starting", 0, 0, ""
        self._first: tuple[float, int] | None = None  # when how much of it was done already
        self._said_s: float | None = None
        self._bar: Bar | None = None
        self._timer = threading.Timer(AFTER_S, self._appear)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        if not self._quiet:
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._quiet = True
            if self._bar is not None:
                self._bar.stop()

    def update(self, what: str, done: int, total: int, note: str = "") -> None:
        """Tell that *done* of *total* parts of *what* are done, and what else is worth a word."""
        with self._lock:
            if self._first is None or what != self._what:
                self._first = time.monotonic(), done
            self._what, self._done, self._total, self._note = what, done, total, note
            if self._bar is not None:
                self._show(self._bar)
            elif self._said_s is not None and time.monotonic() - self._said_s > EVERY_S:
                self._say()

    def _appear(self) -> None:
        with self._lock:
            if self._quiet:  # the work has ended in the meantime
                return
            if sys.stderr.isatty():
                self._bar = _bar()
                self._bar.add_task(self._what, total=None, note="")
                self._show(self._bar)
                self._bar.start()
            else:
                self._say()

    def _show(self, bar: Bar) -> None:
        task = bar.task_ids[0]
        bar.update(
            task,
            description=self._what,
            completed=self._done,
            total=self._total or None,
            note=clean("; ".join(part for part in (self._left(), self._note) if part)),
        )

    def _say(self) -> None:
        self._said_s = time.monotonic()
        counted = f": {self._done} of {self._total} done" if self._total else ""
        after = "".join(f"; {part}" for part in (self._left(), self._note) if part)
        say(f"tokenfleet: {self._what}{counted}, {self._said_s - self._started_s:.0f} s{after}")

    def _left(self) -> str:
        """How long the rest will take, if enough is known to tell."""
        if self._first is None:
            return ""
        since_s, done = time.monotonic() - self._first[0], self._done - self._first[1]
        if done < LEAST_DONE or self._done >= self._total:
            return ""
        return f"about {seconds(since_s / done * (self._total - self._done))} left"


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.progress import Progress as Bar

    return Bar(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )

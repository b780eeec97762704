"""Traffic picture: where the figures of workloads go, and the writing of them; knows no clock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.errors import InputError

if TYPE_CHECKING:
    from sim.workload.description import Description
    from sim.workload.parts import Part

FORMS = (".svg", ".png")
"""Ends of names that figures can have."""


def check_pictures(out: str | None, names: Sequence[str], *, replace: bool) -> list[Path]:
    """The file for each of *names*, all of which can be written; none without *out*.

    Several get their names into that of the file.
    """
    from sim.report.atomic import check_new

    if out is None:
        return []
    path = Path(out)
    new_folder = False
    if path.suffix.lower() not in FORMS:
        if path.suffix and not path.is_dir():
            raise InputError(f"--out {out}: allowed: a name in {' or '.join(FORMS)}, or a folder")
        new_folder = not path.exists()
        path = path / "traffic.svg"
    several = len(names) > 1
    targets = [path.with_stem(f"{path.stem}-{_safe(n)}") if several else path for n in names]
    for target in [path.parent] if new_folder else targets:
        check_new(target, replace=replace)
    return targets


def write_pictures(
    targets: Sequence[Path], parts: Sequence[Part], found: Sequence[Description]
) -> None:
    """Draw each of *parts*, whose figures were *found*, in its file."""
    if not targets:
        return
    from sim.report.atomic import as_out_error, atomic
    from sim.report.traffic_figure import traffic_figure

    with as_out_error(targets[0].parent):
        targets[0].parent.mkdir(exist_ok=True)
    for target, part, one in zip(targets, parts, found, strict=True):
        picture = traffic_figure(part, one, target.suffix.lower()[1:])
        with atomic(target) as stream:
            stream.write(picture)


def _safe(name: str) -> str:
    """*name* as a part of a file's name."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)

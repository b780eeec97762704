"""Scale to zero: when a pool without requests gives its last replica back; knows no clock."""

from __future__ import annotations

from pydantic import Field

from sim.scenario.spec import Spec
from sim.units import Duration


class ScaleToZero(Spec):
    """The last replica goes when nothing has come for a while; the next request starts one."""

    after: Duration = Field(
        description="Time without any request after which the last replica goes; the next request "
        "starts one at once, and waits for it."
    )

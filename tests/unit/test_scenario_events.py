"""Events: when they are, what they do, and what is refused."""

import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from sim.scenario.events import Event

LAUNCH = {"at": "2d10h", "for": "3h", "times": 4, "name": "launch"}


def test_an_event_has_a_begin_and_an_end() -> None:
    launch = Event.model_validate(LAUNCH)
    assert (launch.starts_at_s, launch.ends_at_s) == (208_800.0, 219_600.0)
    assert (launch.times, launch.name) == (4.0, "launch")


def test_it_is_written_as_it_is_read_and_travels() -> None:
    launch = Event.model_validate(LAUNCH)
    assert launch.model_dump(mode="json") == {**LAUNCH, "times": 4.0}
    assert pickle.loads(pickle.dumps(launch)) == launch
    assert hash(launch) == hash(Event.model_validate(LAUNCH))


def test_a_name_is_not_needed_and_silence_is_allowed() -> None:
    assert Event.model_validate({"at": 0, "for": 1, "times": 0}).name is None


@pytest.mark.parametrize(
    "change",
    [{"at": "-1h"}, {"for": 0}, {"times": -1}, {"times": 1001}, {"name": ""}, {"until": "1h"}],
)
def test_what_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Event.model_validate(LAUNCH | change)
    assert len(caught.value.errors()) == 1


def test_it_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Event.model_validate(LAUNCH).times = 2.0

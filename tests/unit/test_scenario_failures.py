"""Failures: laws of lives, repairs and detection; what must be said together."""

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from sim.catalog.failures import failure_rates
from sim.scenario.detection import Detection, Probes
from sim.scenario.durations import FixedDuration
from sim.scenario.failures import CAUSES, Failures, Lemons, SlowNodes
from sim.scenario.mtbf import Mtbf
from sim.scenario.outages import Outage
from sim.scenario.period import Period
from sim.scenario.repair import repair_law, repair_mean_s

DAY_S = 86_400.0
DETECTION = TypeAdapter(Detection)


def failures(**given: Any) -> Failures:
    return Failures.model_validate(given)


def refusal(**given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        failures(**given)
    return str(caught.value)


def test_what_is_not_said_does_not_happen() -> None:
    quiet = failures(request_errors=0.0)
    assert all(getattr(quiet, key) in (None, (), 0.0) for key in CAUSES)
    assert quiet.lemons is None
    assert not quiet.kills


@pytest.mark.parametrize(
    ("given", "kills"),
    [
        ({"mtbf": "250d"}, True),
        ({"replica_mtbf": "30d"}, True),
        ({"zone_mtbf": "100d", "zone_outage": "1h"}, True),
        ({"outages": [{"at": 0, "for": "1h", "zone": "a"}]}, True),
        ({"stalls": {"every": "6h", "for": "30s"}}, False),
        ({"slow_nodes": {}}, False),
        ({"request_errors": "2%"}, False),
    ],
)
def test_what_kills(given: dict[str, Any], kills: bool) -> None:
    assert failures(**given).kills is kills


def test_saying_nothing_is_an_error() -> None:
    for nothing in ({}, {"lemons": {}}, {"detection": "20s", "undetected": "hangs"}):
        assert "says nothing that fails" in refusal(**nothing)


def test_names_of_published_rates_are_their_times() -> None:
    for rate in failure_rates():
        assert failures(mtbf=rate.name) == failures(mtbf=rate.mtbf_s)
    assert failures(mtbf="typical").mtbf == 250 * DAY_S
    assert "did you mean 'typical'" in refusal(mtbf="typcial")
    with pytest.raises(ValidationError):
        TypeAdapter(Mtbf).validate_python(0)


def test_the_typical_repair_is_a_mixture() -> None:
    spec = failures(mtbf="1d", on_failure="repair")
    u = np.array([0.0, 0.59, 0.61, 0.89, 0.91, 0.999])
    expected = [900.0, 900.0, 7200.0, 7200.0, 4 * DAY_S, 4 * DAY_S]
    assert spec.repair_law().quantile(u).tolist() == expected
    assert spec.repair_mean_s == pytest.approx(0.6 * 900 + 0.3 * 7200 + 0.1 * 4 * DAY_S)
    typical = failures(mtbf="1d", on_failure="repair", repair="typical")
    assert typical.repair_mean_s == spec.repair_mean_s


def test_an_own_repair() -> None:
    spec = failures(mtbf="1d", on_failure="repair", repair={"uniform": ["1h", "3h"]})
    assert spec.repair_mean_s == 7200.0
    assert spec.repair_law().quantile(np.array([0.25])).tolist() == [5400.0]
    assert repair_mean_s(FixedDuration(5.0)) == 5.0
    assert repair_law(FixedDuration(5.0)).quantile(np.array([0.1])).tolist() == [5.0]


def test_probes_notice_a_death_after_20_to_31_seconds() -> None:
    probes = failures(mtbf="1d").detection
    assert probes == Probes(period=10.0, timeout=1.0, threshold=3)
    assert probes.law().quantile(np.array([0.0, 1.0])).tolist() == [20.0, 31.0]
    assert probes.mean_s == 25.5
    one = Probes(period=5.0, timeout=0.0, threshold=1)
    assert one.law().quantile(np.array([0.0, 1.0])).tolist() == [0.0, 5.0]


def test_other_ways_of_detection() -> None:
    assert DETECTION.validate_python("25s").mean_s == 25.0
    assert DETECTION.validate_python({"exponential": "25s"}).mean_s == 25.0
    assert DETECTION.validate_python({"threshold": 1}) == Probes(threshold=1)
    assert DETECTION.validate_python({}) == Probes()
    assert DETECTION.validate_python(Probes()) == Probes()


def test_a_few_bad_nodes() -> None:
    spec = failures(mtbf="1d", lemons={}, slow_nodes={"share": "5%"})
    assert spec.lemons == Lemons(share=0.01, factor=20.0)
    assert spec.slow_nodes == SlowNodes(share=0.05, factor=1.5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"outages": [], "lemons": {}}, "lemons needs mtbf"),
        ({"zone_mtbf": "1d"}, "zone_mtbf needs zone_outage"),
        ({"mtbf": "1d", "zone_outage": "1d"}, "zone_outage needs zone_mtbf"),
        ({"mtbf": "1d", "repair": "1h"}, "repair needs on_failure: repair"),
        ({"mtbf": "1d", "repair_crews": 1}, "repair_crews needs on_failure: repair"),
    ],
)
def test_what_needs_what(given: dict[str, Any], message: str) -> None:
    assert message in refusal(**given)


def test_scripted_outages() -> None:
    zone = Outage.model_validate({"at": "14h", "for": "1h", "zone": "a"})
    assert (zone.starts_at_s, zone.length_s, zone.ends_at_s) == (50_400.0, 3600.0, 54_000.0)
    assert (zone.zone, zone.share) == ("a", None)
    share = Outage.model_validate({"at": "2h", "for": "120s", "share": "80%"})
    assert (share.zone, share.share) == (None, 0.8)
    assert Period.model_validate({"at": 0, "for": "1h"}).ends_at_s == 3600.0
    for wrong in ({}, {"zone": "a", "share": 0.5}, {"share": 0}):
        with pytest.raises(ValidationError):
            Outage.model_validate({"at": 0, "for": "1h"} | wrong)


def test_stalls_have_a_length() -> None:
    stalls = failures(stalls={"every": "6h", "for": {"uniform": ["10s", "30s"]}}).stalls
    assert stalls is not None
    assert (stalls.every, stalls.length.mean_s) == (21_600.0, 20.0)

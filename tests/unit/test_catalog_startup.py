"""Startups of the catalog: every phase of each has one law, a source, and sound numbers."""

import pytest

from sim.catalog.names import UnknownName
from sim.catalog.startup import PHASES, Phase, startup, startups


def test_names() -> None:
    names = [row.name for row in startups()]
    assert names == ["cloud-gpu", "karpenter", "cluster-autoscaler", "optimised-image", "warm"]
    with pytest.raises(UnknownName, match="did you mean 'cloud-gpu'"):
        startup("cloud_gpu")


@pytest.mark.parametrize("row", startups(), ids=lambda row: row.name)
def test_every_phase_has_one_law_and_a_source(row: object) -> None:
    found = next(one for one in startups() if one is row)
    assert tuple(found.phases) == PHASES
    assert found.title
    assert found.as_of.year == 2026
    for phase in found.phases.values():
        assert phase.source
        laws = (phase.median_s, phase.fixed_s, phase.gb_per_s)
        assert sum(law is not None for law in laws) == 1
        assert (phase.median_s is None) == (phase.p95_s is None)
        assert phase.median_s is None or phase.p95_s is None or 0 < phase.median_s < phase.p95_s


def test_the_default_is_what_the_sources_say() -> None:
    phases = startup("cloud-gpu").phases
    assert phases["provision"] == Phase(
        median_s=240.0, p95_s=600.0, source=phases["provision"].source
    )
    assert 7 * 60 <= (phases["pull"].median_s or 0) <= (phases["pull"].p95_s or 0) <= 10 * 60
    assert phases["load"].gb_per_s == pytest.approx(140.0 / 84.0, rel=0.05)  # Llama-2-70B, bf16
    assert phases["load"].gb_per_s == pytest.approx(60.0 / 34.0, rel=0.05)  # OPT-30B, fp16
    assert 34 <= (phases["init"].median_s or 0) <= 215
    assert phases["first_request"].p95_s == 60.0


def test_a_warm_node_waits_for_the_engine_alone() -> None:
    phases = startup("warm").phases
    assert (phases["provision"].fixed_s, phases["pull"].fixed_s) == (0.0, 0.0)


def test_phases_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        startup("warm").phases["pull"] = Phase(source="")  # type: ignore[index]

"""A fleet that lives: all its keys, written out and read again, mean what they meant."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.scenario.load import changed, load, loads
from sim.scenario.pool import Pool
from sim.scenario.resolved import resolved_yaml
from sim.scenario.route import Route
from sim.scenario.schema import json_schema
from sim.scenario.yaml12 import parse

FILE = Path(__file__).parents[1] / "scenarios" / "living-fleet.yaml"
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def test_the_example_says_every_key() -> None:
    scenario = load(FILE)
    main = scenario.pools["main"]
    shelved = {"naive", "kv_tokens", "compute_factor"}  # not of a fleet's life
    assert {k for k in Pool.model_fields if getattr(main, k) is None} <= shelved
    said = {k for route in scenario.routes.values() for k in route.model_fields_set}
    of_clients = list(Route.model_fields)[list(Route.model_fields).index("patience") :]
    assert set(of_clients) - {"hosted", "team"} <= said  # those two are of money
    for part in (main.failures, main.node, main.node.spot, main.rollouts, main.capacity):
        assert part is not None
        unsaid = set(type(part).model_fields) - part.model_fields_set
        assert unsaid <= {"usd_per_hour", "usd_per_gpu_hour"}  # other ways to say a price


def test_the_way_out_leads_back_in() -> None:
    scenario = load(FILE)
    text = resolved_yaml(scenario)
    again = loads(text)
    assert again == scenario
    assert again.pools["main"] == scenario.pools["main"].model_copy(
        update={
            "engine": again.pools["main"].engine,
            "kv_tokens": again.pools["main"].kv_tokens,
        }
    )
    assert resolved_yaml(again) == text


def test_it_is_what_the_schema_describes() -> None:
    VALIDATOR.validate(parse(FILE.read_text(encoding="utf-8")).data)
    VALIDATOR.validate(load(FILE).resolved())


@pytest.mark.parametrize(
    "change",
    [
        "seed=3",
        "pools.main.failures.mtbf=9d",
        "pools.main.startup=warm",
        "pools.main.startup.provision=3m",
        "pools.main.replicas.max=9",
        "routes.chat.retries.budget=20%",
        "routes.chat.retries.budget=none",
    ],
)
def test_a_change_leaves_the_rest(change: str) -> None:
    scenario = load(FILE)
    path, _, value = change.partition("=")
    after = changed(scenario, [change])
    twin = load(FILE, [f"{path}={value}"])
    assert after == twin
    assert after != scenario


def seconds(least: int = 1) -> st.SearchStrategy[Any]:
    return st.integers(least, 10**6) | st.sampled_from(["250ms", "30s", "1h30m", "7d"])


def laws() -> st.SearchStrategy[Any]:
    return st.one_of(
        seconds(),
        st.builds(lambda s: {"exponential": s}, seconds()),
        st.builds(lambda a, b: {"uniform": [a, a + b]}, st.integers(0, 99), st.integers(1, 99)),
        st.builds(
            lambda a, b: {"lognormal": {"median": a, "p95": a + b}}, *(st.integers(1, 99),) * 2
        ),
    )


def shares(least: float = 0.001, most: float = 0.999) -> st.SearchStrategy[Any]:
    return st.floats(least, most) | st.integers(1, 99).map(lambda n: f"{n}%")


def some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=optional)


OUTAGES = st.lists(
    st.fixed_dictionaries({"at": seconds(0), "for": seconds()}).flatmap(
        lambda when: st.one_of(
            st.just(when | {"zone": "b"}), shares().map(lambda share: when | {"share": share})
        )
    ),
    max_size=3,
)
FAILURES = st.builds(
    lambda sure, life, zone, mend, rest: sure | life | zone | mend | rest,
    st.fixed_dictionaries({"request_errors": shares(0.0)}),
    st.just({})
    | st.fixed_dictionaries(
        {"mtbf": seconds() | st.sampled_from(["typical", "rsc-2"])},
        optional={
            "shape": st.floats(0.1, 9),
            "lemons": some(share=shares(), factor=st.floats(1.5, 99)),
        },
    ),
    st.just({}) | st.fixed_dictionaries({"zone_mtbf": seconds(), "zone_outage": laws()}),
    st.just({})
    | st.fixed_dictionaries(
        {"on_failure": st.just("repair")},
        optional={"repair": laws() | st.just("typical"), "repair_crews": st.integers(1, 9)},
    ),
    some(
        replica_mtbf=seconds(),
        outages=OUTAGES,
        stalls=st.fixed_dictionaries({"every": seconds(), "for": laws()}),
        slow_nodes=some(share=shares(), factor=st.floats(1.1, 9)),
        detection=laws() | some(period=seconds(), timeout=seconds(0), threshold=st.integers(1, 9)),
        undetected=st.sampled_from(["fails", "hangs"]),
    ),
)
SPOT = st.fixed_dictionaries(
    {"mean_life": seconds(), "usd_per_hour": st.floats(0.1, 9)},
    optional={"share": shares(), "notice": seconds(0)},
)
NODES = st.builds(
    lambda rest: {"usd_per_hour": 4, "zones": ["a", "b"]} | rest,
    some(
        gpus=st.integers(1, 8),
        billing=some(granularity=seconds(), minimum=seconds(0)),
        spot=SPOT,
    ),
)
SIZES = st.one_of(
    st.just({}),
    st.integers(1, 99).map(lambda n: {"replicas": n}),
    st.builds(
        lambda low, more, every: {
            "replicas": {"min": low, "max": low + more, "start": low + more // 2},
            "autoscaler": {"kind": "forecast", "requests_per_s": 2, "every": every},
        },
        *(st.integers(1, 99), st.integers(0, 99), seconds()),
    ),
    st.builds(
        lambda most, after: {
            "replicas": {"min": 0, "max": most},
            "scale_to_zero": {"after": after},
        },
        *(st.integers(1, 99), seconds(0)),
    ),
)
STARTUPS = st.sampled_from(["cloud-gpu", "karpenter", "warm", "none"]) | some(
    like=st.sampled_from(["cloud-gpu", "none"]),
    provision=laws(),
    load=laws() | st.builds(lambda rate: {"gb_per_s": rate}, st.floats(0.1, 99)),
    init=laws(),
)
ROLLOUTS = st.fixed_dictionaries(
    {"every": seconds()},
    optional={
        "first": seconds(0),
        "max_surge": st.integers(1, 9),
        "max_unavailable": st.integers(0, 9),
    },
).flatmap(
    lambda rolls: st.one_of(
        st.just(rolls | {"sigterm": "abort"}),
        seconds().map(lambda drain: rolls | {"drain": drain}),
    )
)
POOLS = st.builds(
    lambda node, size, rest: {"model": "llama-3.1-8b", "gpu": "h100-sxm"} | node | size | rest,
    NODES.map(lambda node: {"node": node}),
    SIZES,
    some(
        startup=STARTUPS,
        prepulled_image=st.booleans(),
        warm_nodes=st.integers(0, 9),
        capacity=some(refused_share=shares(), retry_after=seconds()),
        redundancy=st.sampled_from([{"spare_replicas": 2}, {"survive": "zone"}]),
        failures=FAILURES,
        rollouts=ROLLOUTS,
        queue_limit=st.integers(0, 999)
        | st.builds(lambda a, b: {0: a + b, -5: a + 2 * b, 10: a}, *(st.integers(0, 99),) * 2),
    ),
)
RETRIES = some(
    max=st.integers(0, 9) | st.just("unlimited"),
    backoff=laws() | st.just("sdk"),
    on=st.sampled_from([["failed"], ["timed_out", "rejected"]]),
    retry_after=seconds() | st.just("none"),
    budget=shares(0.0, 1.0) | st.just("none"),
)
CLIENTS = some(
    patience=laws(),
    retries=RETRIES,
    cancel_on_disconnect=st.booleans(),
    useful=st.booleans(),
    deferrable=some(deadline=seconds(), below=shares()),
    overflow=st.fixed_dictionaries(
        {
            "usd_per_million_input": st.floats(0, 9),
            "usd_per_million_output": st.floats(0, 9),
            "ttft": laws(),
            "tpot": laws(),
        },
        optional={
            "usd_per_million_cached_input": st.floats(0, 9),
            "on": st.sampled_from([["rejected"], ["no_replica", "rejected"]]),
        },
    ),
)
PLAIN = {
    "pool": "main",
    "arrivals": {"rps": 1},
    "input_tokens": {"fixed": 5},
    "output_tokens": {"fixed": 5},
}


@given(POOLS, CLIENTS)
@settings(max_examples=30, deadline=None)
def test_whatever_is_written_is_read_again(pool: dict[str, Any], clients: dict[str, Any]) -> None:
    if not clients.get("useful", True):
        clients.pop("overflow", None)  # nobody pays an API for those
    document = {"routes": {"chat": PLAIN | clients}, "pools": {"main": pool}}
    text = json.dumps(document)
    assert VALIDATOR.is_valid(json.loads(text))
    scenario = loads(text)
    again = loads(resolved_yaml(scenario))
    assert again == scenario
    assert again.pools["main"].failures == scenario.pools["main"].failures
    assert again.canonical_json() == scenario.canonical_json()
    assert loads(scenario.canonical_json()) == scenario
    assert hash(again.pools["main"].failures) == hash(scenario.pools["main"].failures)
    assert VALIDATOR.is_valid(scenario.resolved())

"""Load: from text to scenario or to every problem at its own line; nothing else ever comes out."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.scenario.load import changed, load, loads
from sim.scenario.problem import ScenarioError
from sim.scenario.starter import starter_text

TEXT = """\
name: small
horizon: 1h
routes:
  chat:
    pool: main
    arrivals: {rps: 4}
    input_tokens: {fixed: 500}
    output_tokens: {fixed: 200}
pools:
  main:
    model: llama-3.1-8b
    gpu: h100-sxm
    node: {usd_per_hour: 4}
"""


def refusal(text: str, *overrides: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        loads(text, "f.yaml", overrides)
    return str(caught.value)


def test_a_good_document() -> None:
    scenario = loads(TEXT)
    assert scenario.name == "small"
    assert scenario.pools["main"].node.usd_per_node_hour == 4.0


@pytest.mark.parametrize(
    ("stem", "name"), [("my-fleet", "my-fleet"), ("my fleet", "my-fleet"), ("_x", "scenario")]
)
def test_a_file_names_its_scenario(stem: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{stem}.yaml"
    file.write_text(TEXT.replace("name: small\n", ""))
    assert load(file).name == name


def test_a_byte_order_mark_and_windows_lines_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert load(file) == loads(TEXT)
    assert refusal(TEXT.replace("rps", "rsp").replace("\n", "\r\n")).splitlines()[1] == (
        "        arrivals: {rsp: 4}"
    )


def test_overrides_change_the_scenario() -> None:
    scenario = loads(TEXT, overrides=["routes.chat.arrivals.rps=8", "pools.main.replicas=3"])
    assert scenario.routes["chat"].arrivals.rps == 8.0  # type: ignore[union-attr]
    assert scenario.pools["main"].replicas == 3


def test_a_problem_of_an_override_is_its_own() -> None:
    text = refusal(TEXT, "seed=1", "pools.main.replicas=none", "routes.chat.slo={ttft_p9: 1}")
    assert text == (
        "--set #2 (pools.main.replicas=none): must be a whole number (got 'none')\n"
        "--set #3 (routes.chat.slo={ttft_p9: 1}): routes.chat.slo.ttft_p9: "
        "unknown key 'ttft_p9'; did you mean 'ttft_p99'?"
    )


def test_the_last_override_of_a_field_counts() -> None:
    assert loads(TEXT, overrides=["seed=x", "seed=2"]).seed == 2
    assert refusal(TEXT, "seed=2", "seed=x").startswith("--set #2 (seed=x): must be")


def test_another_kind_by_override_says_how_to_replace_the_first() -> None:
    assert refusal(TEXT, "routes.chat.arrivals.concurrency=8") == (
        "--set #1 (routes.chat.arrivals.concurrency=8): "
        "'rps' and 'concurrency' are different kinds of arrivals; keep one (the kinds are rps, "
        "mean_rps, workload, concurrency, trace); "
        "to replace all, --set 'routes.chat.arrivals={concurrency: ...}'"
    )
    replaced = loads(TEXT, overrides=["routes.chat.arrivals={concurrency: 8}"])
    assert replaced.routes["chat"].arrivals.concurrency == 8  # type: ignore[union-attr]


def test_file_and_overrides_are_reported_together() -> None:
    text = refusal(TEXT.replace("rps: 4", "rps: -4"), "nonsense", "seed=-1")
    places = [line.split(": ")[0] for line in text.splitlines() if not line.startswith(" ")]
    assert places == ["f.yaml:6:21", "--set #1 (nonsense)", "--set #2 (seed=-1)"]


def test_a_whole_that_lacks_a_part_has_no_line() -> None:
    assert refusal("routes: {}") == (
        "f.yaml: pools: is missing: pools of replicas, by name\n"
        "f.yaml:1:9: routes: must not be empty\n    routes: {}\n            ^"
    )


def test_twins_are_reported_with_everything_else() -> None:
    text = refusal(TEXT + "name: other\nhorizon: -1\n")
    assert "f.yaml:14:1: the key 'name' is given twice (first at line 1)" in text
    assert "f.yaml:15:1: the key 'horizon' is given twice (first at line 2)" in text


def test_traces_are_found_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.csv").write_text("x")
    document = yaml.safe_load(TEXT)
    document["routes"]["chat"] = {"pool": "main", "arrivals": {"trace": "t.csv"}}
    file = tmp_path / "f.yaml"
    file.write_text(yaml.safe_dump(document))
    assert load(file).routes["chat"].arrivals.trace == str(tmp_path / "t.csv")  # type: ignore[union-attr]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "f.yaml").write_text(file.read_text())
    with pytest.raises(ScenarioError, match=r"the trace 't.csv' does not exist"):
        load("sub/f.yaml")
    overridden = load("sub/f.yaml", ["routes.chat.arrivals.trace=t.csv"])
    assert overridden.routes["chat"].arrivals.trace == str(tmp_path / "t.csv")  # type: ignore[union-attr]


def test_a_missing_file() -> None:
    with pytest.raises(ScenarioError) as caught:
        load("nowhere/f.yaml")
    assert str(caught.value) == "nowhere/f.yaml: no such file"


def test_a_changed_scenario_keeps_its_defaults_open() -> None:
    scenario = changed(loads(TEXT), ["pools.main.gpu=l40s", "routes.chat.arrivals.rps=1"])
    assert scenario == loads(TEXT.replace("h100-sxm", "l40s").replace("rps: 4", "rps: 1"))
    assert scenario.pools["main"].resolved_engine().max_num_seqs == 256
    assert changed(scenario, []) == scenario
    with pytest.raises(ScenarioError, match=r"^--set #1 \(seed=x\): must be a whole number"):
        changed(scenario, ["seed=x"])


WEIRD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["rps", "fixed", "timing", "trace", "x", "0"]), inner)
    ),
    max_leaves=5,
)


def _paths(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            found += _paths(value, (*path, key))
    return found


def _put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    for step in path[:-1]:
        document = document[step]
    document[path[-1]] = value


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(_paths(yaml.safe_load(starter_text()))), WEIRD),
        min_size=1,
        max_size=3,
    )
)
def test_whatever_is_written_it_loads_or_is_refused(changes: list[tuple[Any, Any]]) -> None:
    document = yaml.safe_load(starter_text())
    for path, value in changes:
        with suppress(LookupError, TypeError):  # an earlier change took the place away
            _put(document, path, value)
    try:
        text = str(loads(yaml.dump(document)).routes)
    except ScenarioError as error:
        text = str(error)
    assert text

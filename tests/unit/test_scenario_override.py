"""Override: paths, values, and errors that name the route that was meant."""

from typing import Any

import pytest

from sim.scenario.override import Override, OverrideError, apply, label


def data() -> dict[str, Any]:
    return {
        "seed": 1,
        "routes": {"chat": {"arrivals": {"rps": 4}}, "gpt-4.1": {"priority": 0}},
        "pools": {"main": {"replicas": 1}},
        "bill": [{"line": "a", "usd": 1}],
    }


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("seed=7", ("seed",), 7),
        (" seed =7", ("seed",), 7),
        ("routes.chat.arrivals.rps=1e3", ("routes", "chat", "arrivals", "rps"), 1000.0),
        ("routes.chat.arrivals={rps: 8}", ("routes", "chat", "arrivals"), {"rps": 8}),
        ("routes.gpt-4.1.priority=2", ("routes", "gpt-4.1", "priority"), 2),
        ("routes.chat.slo.ttft_p95=1s", ("routes", "chat", "slo", "ttft_p95"), "1s"),
        ("routes.new={pool: main}", ("routes", "new"), {"pool": "main"}),
        ("bill[0].usd=2", ("bill", 0, "usd"), 2),
        ("bill.0.usd=no", ("bill", 0, "usd"), "no"),
        ("bill=[]", ("bill",), []),
        ("name=a=b", ("name",), "a=b"),
        ("seed=", ("seed",), None),
    ],
)
def test_what_is_set(text: str, path: tuple[str | int, ...], value: object) -> None:
    changed, override = apply(data(), 3, text)
    assert override == Override(3, text, path)
    for step in path:
        changed = changed[step]
    assert changed == value


def test_nothing_else_changes() -> None:
    changed, _ = apply(data(), 1, "pools.main.node.gpus=8")
    assert changed == data() | {"pools": {"main": {"replicas": 1, "node": {"gpus": 8}}}}


def test_an_empty_document_can_be_filled() -> None:
    assert apply(None, 1, "seed=7")[0] == {"seed": 7}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed", "must look like path=value, such as seed=7 or routes.chat.priority=1"),
        ("=7", "must look like path=value, such as seed=7 or routes.chat.priority=1"),
        ("a..b=7", "must look like path=value, such as seed=7 or routes.chat.priority=1"),
        ("routes.chta.priority=1", "no route is called 'chta'; did you mean 'chat'?"),
        ("pools.zebra.replicas=1", "no pool is called 'zebra'; there is main"),
        ("bill[1].usd=2", "bill is a list of 1; '1' is not in it"),
        ("bill.first=2", "bill is a list of 1; 'first' is not in it"),
        ("seed.x=2", "seed is 1, it holds no 'x'"),
        ("seed={a: 1, a: 2}", "the key 'a' is given twice (first at line 1)"),
        ("seed=!!python/name:os.x 1", "the value '!!python/name:os.x 1' is the tag"),
    ],
)
def test_what_cannot_be_set(text: str, message: str) -> None:
    with pytest.raises(OverrideError) as caught:
        apply(data(), 1, text)
    assert str(caught.value).startswith(message)


def test_labels_are_short_and_clean() -> None:
    assert label(1, "seed=x") == "--set #1 (seed=x)"
    assert label(2, "a=\x1b[31m\n") == "--set #2 (a=?[31m?)"
    assert len(label(3, "x" * 500)) < 100

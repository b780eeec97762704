"""Commitments of a run, their tables, and the verb: a fleet whose nodes come and go."""

import json
from dataclasses import replace

import numpy as np
import pytest
from usages import hand_usage, pool, scenario

from sim.cli.commitments import commitments as verb
from sim.cli.main import VERBS, invoke
from sim.report.commitment_tables import commitment_tables
from sim.simulation import Run
from sim.studies.commitments import commitments, commitments_document
from sim.studies.result import Result

FILE = """
horizon: 1m
warmup: 0s
routes:
  chat: {pool: main, arrivals: {rps: 1}, input_tokens: {fixed: 50}, output_tokens: {fixed: 5}}
pools:
  main:
    timing: {knots_tokens: [1, 256], knots_s: [0.006, 0.009]}
    kv_tokens: 10000
    naive: {total_tokens_per_s: 1000}
    node: {usd_per_hour: 4.0}
    replicas: 2
"""


def result(*needs: list[float], reserved: int = 0) -> Result:
    """Replications with at least 1, 2, ... nodes for so many seconds of an hour."""
    node = {"usd_per_hour": 4.0}
    if reserved:
        node["reserved"] = {"nodes": reserved, "discount": 0.5}  # type: ignore[assignment]
    of = scenario(pools={"main": {**pool(), "node": node}})
    runs = []
    for at_least_s in needs:
        usage = hand_usage()
        seconds = np.array(at_least_s)
        used = replace(usage.pools["main"], node_s=float(seconds.sum()), nodes_at_least_s=seconds)
        usage.pools["main"] = used
        runs.append(Run.__new__(Run))
        object.__setattr__(runs[-1], "usage", usage)
    return Result(of, tuple(runs), {})


def test_the_advice_is_of_all_replications_and_of_each() -> None:
    (found,) = commitments(result([3600.0, 3600.0, 900.0], [3600.0, 1800.0]), discount=0.4)
    assert found.advice.shares == (1.0, 0.75, 0.125)
    assert (found.advice.nodes, found.nodes_by_replication) == (2, (2, 1))
    assert found.advice.reserved_usd_per_hour == pytest.approx(2.4)


def test_without_a_discount_the_files_own_price_counts() -> None:
    assert commitments(result([3600.0])) == ()
    (found,) = commitments(result([3600.0, 1800.0], reserved=2))
    assert (found.advice.nodes, found.reserved_nodes) == (1, 2)
    assert found.usd_per_hour_as_is == pytest.approx(4.0)
    assert found.advice.usd_per_hour == pytest.approx(2.0 + 2.0)


def test_tables() -> None:
    of = result([3600.0, 3600.0, 900.0], [3600.0, 3600.0], reserved=3)
    needs, costs = commitment_tables(commitments_document(of, commitments(of)))
    assert needs.rows == (("1 to 2", "100 %", "yes"), ("3", "12.5 %", "no"))
    assert [row[:3] for row in costs.rows] == [
        ("none", "0", "$6,205"),
        ("as in the file", "3", "$4,380"),
        ("the best", "2", "$3,285"),
        ("the best, demand −30 %", "2", "$3,285"),
        ("the best, demand +30 %", "2", "$6,205"),
    ]
    assert costs.note.endswith("Each replication alone says 2.")


def test_the_verb(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    file = f"{tmp_path}/x.yaml"
    with open(file, "w", encoding="utf-8") as stream:
        stream.write(FILE)
    assert VERBS["commitments"] == "sim.cli.commitments"
    assert verb.name == "commitments"
    common = ["commitments", file, "--replications", "1", "--jobs", "1"]
    assert invoke([*common, "--discount", "40%", "--json"]) == 0
    out, err = capsys.readouterr()
    main = json.loads(out)["pools"]["main"]
    assert (main["nodes"], main["shares"]) == (2, [1.0, 1.0])
    assert not err
    assert invoke([*common, "--set", "pools.main.node.reserved={nodes: 1, discount: 0.3}"]) == 0
    assert "Worth it above 70.0 %" in capsys.readouterr().out
    assert invoke(common) == 2
    assert "give --discount, such as --discount 40%" in capsys.readouterr().err
    for wrong in ("40", "0", "x"):
        assert invoke([*common, "--discount", wrong]) == 2
        assert "--discount must be" in capsys.readouterr().err

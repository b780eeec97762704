"""Random small fleets, audited at every event: see `audit` for what is held to, I1 to I10.

More of them, the seeds from 5,000 to 14,999 say, on two cores:

    TOKENFLEET_FLEETS=5000:15000 pytest -n 2 tests/properties/test_fleet_properties.py -k random
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from sim import simulation
from sim.fleet.dead import DeadReplica
from sim.fleet.door import Door
from sim.fleet.keeper import Keeper
from sim.fleet.node import Node
from sim.fleet.occupancy import Occupancy
from sim.fleet.pool import Pool
from sim.fleet.provider import Provider
from sim.fleet.seat import Seat, State
from sim.ledger.conservation import ConservationError
from sim.ledger.level import Level
from sim.serving import departures
from sim.serving.batcher import Batcher
from sim.serving.sequence import Outcome, Sequence
from tests.properties.audit import Audit
from tests.properties.small_fleets import small_fleet

REPOSITORY = Path(__file__).resolve().parents[2]

FIRST, LAST = (int(n) for n in os.environ.get("TOKENFLEET_FLEETS", "0:250").split(":"))
PER_TEST = 50


@pytest.mark.parametrize("first", range(FIRST, LAST, PER_TEST))
def test_random_fleets(first: int) -> None:
    for seed in range(first, min(first + PER_TEST, LAST)):
        try:
            Audit(small_fleet(seed)).follow()
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error


# -- the same seed gives the same bytes -----------------------------------------------------------


def digest(seed: int) -> str:
    """A hash of all that a run of the *seed*-th fleet tells."""
    run = simulation.simulate(small_fleet(seed), sample_every_s=10.0)
    said = {
        "usage": asdict(run.usage),
        "refused": run.refused,
        "timeseries": run.timeseries,
        "events": [asdict(event) for event in run.events],
        "leases": [asdict(lease) for lease in run.leases],
    }
    text = json.dumps(said, default=lambda array: array.tolist())
    return hashlib.sha256(text.encode()).hexdigest()


def digests(first: int, count: int) -> list[str]:
    return [digest(seed) for seed in range(first, first + count)]


def test_a_run_has_nothing_of_the_one_before_it() -> None:
    assert digests(0, 12) == digests(0, 12)
    assert len(set(digests(0, 12))) == 12


def test_an_audit_changes_nothing() -> None:
    for seed in range(6):
        audit = Audit(small_fleet(seed), simulation.DRAIN_LIMIT_S)
        plain = simulation.simulate(small_fleet(seed))
        followed = audit.follow()
        assert followed.events == plain.events
        assert followed.leases == plain.leases
        assert followed.usage.overall.requests == plain.usage.overall.requests
        assert followed.usage.overall.ended_waste == plain.usage.overall.ended_waste


def test_hash_seeds_and_processes_change_nothing() -> None:
    """Sets and dictionaries of texts have another order in each of these processes."""
    module = "tests.properties.test_fleet_properties"
    code = f"from {module} import digests; print(*digests(20, 8), sep=',')"

    def told(hash_seed: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "TOKENFLEET_FLEETS": "0:0"},
            cwd=REPOSITORY, check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip

    assert told("1") == told("2") == ",".join(digests(20, 8))


# -- each rule broken once on purpose: the audit must see it --------------------------------------


def _drained_in_vain(patch: pytest.MonkeyPatch) -> None:
    """A replica that had time enough goes, and nobody looks what is lacking."""
    patch.setattr(Keeper, "_emptied", Keeper.kill)


def _spot_nodes_stay(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Keeper, "_noticed", lambda keeper, node: None)


def _nodes_are_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Keeper, "_tidy", lambda keeper: None)


def _the_dead_serve(patch: pytest.MonkeyPatch) -> None:
    """A replica that has died is still there for the router."""

    def bury(pool: Pool, seat: Seat) -> None:
        seat.replica.crash()

    patch.setattr(Pool, "bury", bury)


def _the_dead_start_by_themselves(patch: pytest.MonkeyPatch) -> None:
    """A boot goes on, though the replica has gone."""

    def boot(keeper: Keeper, seat: Seat, life: int) -> Any:
        yield keeper.env.timeout(3.0)
        keeper._ready(seat)

    patch.setattr(Keeper, "_boot", boot)


def _clients_wait_on(patch: pytest.MonkeyPatch) -> None:
    """Nobody ever gives up, whatever the patience."""
    patch.setattr(Door, "_give_up", lambda door, sequence: None)


def _first_tokens_count_before_they_come(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Door, "_has_begun", lambda door, sequence: sequence.first_token_at_s is not None)


def _an_answer_that_hangs_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(DeadReplica, "give_up", lambda dead: dead.hung.clear())


def _both_ends_count(patch: pytest.MonkeyPatch) -> None:
    """A retried attempt is an end of the request, too."""
    another = Door._another

    def twice(door: Door, lost: Sequence) -> Sequence:
        again = another(door, lost)
        lost.superseded = False
        return again

    patch.setattr(Door, "_another", twice)


def _a_client_who_went_is_settled_twice(patch: pytest.MonkeyPatch) -> None:
    def ended(door: Door, sequence: Sequence) -> None:
        door.record(sequence)
        door.settle(sequence)

    patch.setattr(Door, "ended", ended)


def _failed_time_is_counted_as_ready(patch: pytest.MonkeyPatch) -> None:
    move = Occupancy.move

    def wrong(occupancy: Occupancy, seat: Seat, state: State) -> None:
        move(occupancy, seat, state)
        if state is State.FAILED:
            occupancy.levels[State.FAILED].change(occupancy.env.now, -1.0)
            occupancy.levels[State.READY].change(occupancy.env.now, 1.0)

    patch.setattr(Occupancy, "move", wrong)


def _a_tail_is_not_paid(patch: pytest.MonkeyPatch) -> None:
    release = Provider.release

    def generous(provider: Provider, node: Node) -> None:
        release(provider, node)
        if node.lease is not None:
            node.lease.paid_until_s = provider.env.now

    patch.setattr(Provider, "release", generous)


def _an_integral_is_off(patch: pytest.MonkeyPatch) -> None:
    integral = Level.integral
    patch.setattr(Level, "integral", lambda level, a, b: 1.001 * integral(level, a, b))


def _a_crash_keeps_the_queue(patch: pytest.MonkeyPatch) -> None:
    """The pool still counts those who waited on an engine that died."""
    lose_all = departures.lose_all

    def forgetful(engine: Batcher, now_s: float) -> list[Sequence]:
        waited = engine.waiting.count + len(engine.coming)
        lost = lose_all(engine, now_s)
        engine.queue.length += waited
        return lost

    patch.setattr("sim.serving.batcher.lose_all", forgetful)


def _a_dead_node_is_used(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Node, "has_room",
        property(lambda node: node.phase.name != "RELEASED" and len(node.seats) < node.slots),
    )  # fmt: skip


def _a_limit_is_not_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pool, "_is_full", lambda pool, batcher, limit: False)


def _requests_wait_beside_a_replica(patch: pytest.MonkeyPatch) -> None:
    """What was held is not sent on when a replica is ready."""
    route = Pool.route

    def busy(pool: Pool, seat: Seat) -> None:
        held, pool.held = pool.held, {}
        route(pool, seat)
        pool.held = held

    patch.setattr(Pool, "route", busy)


def _an_abort_says_nothing(patch: pytest.MonkeyPatch) -> None:
    """Who gave up while nobody was there is dropped without an end."""
    abort = Pool.abort

    def silent(pool: Pool, sequence: Sequence, outcome: Outcome) -> None:
        if pool.held.pop(sequence, sequence) is None:
            pool.queue.length -= 1
        else:
            abort(pool, sequence, outcome)

    patch.setattr(Pool, "abort", silent)


BROKEN = (
    _drained_in_vain, _spot_nodes_stay, _nodes_are_kept, _the_dead_serve,
    _the_dead_start_by_themselves, _clients_wait_on, _first_tokens_count_before_they_come,
    _an_answer_that_hangs_is_forgotten, _both_ends_count, _a_client_who_went_is_settled_twice,
    _failed_time_is_counted_as_ready, _a_tail_is_not_paid, _an_integral_is_off,
    _a_crash_keeps_the_queue, _a_dead_node_is_used, _a_limit_is_not_kept,
    _requests_wait_beside_a_replica, _an_abort_says_nothing,
)  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_rule_is_seen(broken: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    for seed in range(150):
        try:
            Audit(small_fleet(seed)).follow()
        except (AssertionError, ConservationError, KeyError, ValueError):
            return
    pytest.fail(f"{broken.__name__} was not seen")

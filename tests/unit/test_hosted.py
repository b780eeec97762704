import pytest

from sim.fleet.hosted import Hosted
from sim.laws.exponential import Exponential
from sim.laws.fixed import Fixed
from sim.laws.law import Law
from sim.serving.sequence import Outcome
from sim.streams import Keyed
from tests.unit.engines import ask


def hosted(ttft: Law | float = 2.0, tpot: Law | float = 0.5) -> Hosted:
    laws = [Fixed(law) if isinstance(law, float) else law for law in (ttft, tpot)]
    return Hosted(*laws, on=frozenset(), on_no_replica=False, draws=Keyed(5))


def test_an_answer_takes_its_first_token_and_the_others() -> None:
    """2 s, then 3 tokens at half a second each."""
    api, one = hosted(), ask(0, 7.0, 10, 4)
    one.queued_at_s = 9.0
    assert api.answer_s(one) == 3.5
    api.answer(one)
    assert (one.first_token_at_s, one.finished_at_s) == (11.0, 12.5)
    assert (one.outcome, one.generated, one.computed) == (Outcome.COMPLETED, 4, 13)
    assert one.charged_s == 0.0


def test_one_token_is_there_with_the_first() -> None:
    assert hosted().answer_s(ask(0, 0.0, 10, 1)) == 2.0


def test_times_are_drawn_for_each_request_and_stay() -> None:
    api = hosted(Exponential(2.0), Exponential(0.5))
    asks = [ask(n, 0.0, 10, 4) for n in range(400)]
    times_s = [api.answer_s(s) for s in asks]
    assert times_s == [api.answer_s(s) for s in asks]
    assert len(set(times_s)) == 400
    assert sum(times_s) / 400 == pytest.approx(3.5, abs=4 * 2.5 / 20)
    api.answer(asks[0])
    assert asks[0].finished_at_s == times_s[0]

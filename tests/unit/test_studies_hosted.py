import pytest

from sim.studies.hosted import hosted_section
from sim.studies.hosted_document import hosted_document
from sim.studies.paired_runs import PairedRuns
from sim.studies.result import Result
from tests.unit.usages import pool, route, scenario

OWN = {"usd_per_million_input": 2.0, "usd_per_million_output": 10.0}
POOLS = {"main": pool(naive={"total_tokens_per_s": 10_000})}
PEOPLE = {"line": "people", "driver": "months", "usd": 7300, "remains": "50%"}


def run(**changes: object) -> Result:
    routes = {"chat": route(output_tokens={"fixed": 50}), "code": route(useful=False)}
    said = scenario(
        changes.pop("routes", routes), POOLS, [PEOPLE], **{"horizon": 600, "warmup": 10, **changes}
    )
    return PairedRuns(2).result(said)


@pytest.fixture(scope="module")
def result() -> Result:
    return run(hosted=OWN)


def test_the_section_says_what_the_api_takes_and_how_sure_that_is(result: Result) -> None:
    """$0.0015 a request of 500 in and 50 out, and half of $10 an hour for ten minutes."""
    summary = result.summary()
    hosted, n = summary["hosted"], result.usage.routes["chat"].requests.completed
    assert hosted["tokens_usd"] == pytest.approx(0.0015 * n, rel=1e-12)
    assert hosted["remaining_usd"] == pytest.approx(5 / 6)
    assert hosted["usd"] == pytest.approx(hosted["tokens_usd"] + hosted["remaining_usd"])
    assert hosted["usd_per_month"] == pytest.approx(hosted["usd"] * 6 * 730)
    per_million = hosted["usd"] / (550 * n) * 1e6
    assert hosted["usd_per_million_useful_tokens"] == pytest.approx(per_million)
    assert hosted["factor"] == pytest.approx(summary["bill"]["total_usd"] / hosted["usd"])
    assert (hosted["source"], hosted["as_of"], hosted["missing"]) == ("your contract",) * 2 + ([],)
    low, high = summary["intervals"]["hosted.factor"]
    assert low < hosted["factor"] < high
    assert summary["intervals"]["hosted.by_route.chat.usd"] is not None
    assert not [w for w in summary["warnings"] if w["code"] in ("no-hosted", "nobody-remains")]


def test_a_run_without_an_api_says_so() -> None:
    plain = run()
    assert hosted_section(plain.usage, plain.scenario, plain.statement) is None
    summary = plain.summary()
    assert summary["hosted"] is None
    assert [w["path"] for w in summary["warnings"] if w["code"] == "no-hosted"] == ["hosted"]


def test_half_a_comparison_gives_no_factor_and_says_why(result: Result) -> None:
    some = {"chat": route(hosted=OWN), "code": route()}
    partly = run(routes=some, hosted=None)
    summary = partly.summary()
    assert summary["hosted"]["factor"] is None
    assert summary["hosted"]["missing"] == ["code"]
    told = {w["path"]: w["text"] for w in summary["warnings"]}
    assert "some route has no API" in told["hosted.factor"]
    assert "no API is named for code" in told["hosted"]


def test_people_who_all_vanish_are_noticed() -> None:
    said = scenario(
        {"chat": route()}, POOLS, [{**PEOPLE, "remains": 0}], hosted=OWN, horizon=60, warmup=0
    )
    warnings = PairedRuns(1).result(said).summary()["warnings"]
    assert [w["path"] for w in warnings if w["code"] == "nobody-remains"] == ["bill.0"]


def test_the_document_has_the_sections_that_a_reader_needs(result: Result) -> None:
    document = hosted_document(result, None, None)
    assert document["hosted"] == result.summary()["hosted"]
    assert (document["break_even"], document["keep_or_send"]) == (None, None)
    assert {"scenario", "seed", "replications", "bill", "routes", "warnings"} <= document.keys()

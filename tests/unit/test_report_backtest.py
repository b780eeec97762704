from sim.report.backtest_tables import backtest_document, backtest_tables
from sim.studies.backtest import Backtest, Checked, Forecast
from sim.studies.backtest_actual import Figure
from sim.studies.intervals import Interval

BILL = Figure("bill_usd", 1000.0)
TTFT = Figure("ttft_p95", 0.5, "chat")


def found() -> Backtest:
    checked = (
        Checked(BILL, 1100.0, Interval(1050.0, 1150.0)),
        Checked(Figure("requests", 2e6), 2e6, Interval(1.9e6, 2.1e6)),
        Checked(TTFT, None, None),
    )
    ahead = (Forecast(BILL, 2200.0, None, 0.1), Forecast(TTFT, 0.6, Interval(0.5, 0.7), None))
    return Backtest(checked, 7 * 86_400.0, ahead)


def test_figures_are_shown_in_their_units() -> None:
    first, second = backtest_tables(backtest_document(found(), "past", "future"))
    assert list(first.rows) == [
        ("bill_usd", "$1,000", "$1,100", "$1,050 to $1,150", "+10.0 %", "NO"),
        ("requests", "2,000,000", "2,000,000", "1,900,000 to 2,100,000", "+0.0 %", "yes"),
        ("chat: ttft_p95", "500 ms", "n/a", "n/a", "n/a", "n/a"),
    ]
    assert first.note.startswith("Over 7 days.")
    assert "1 of 2 figures is outside." in first.note
    assert list(second.rows) == [
        ("bill_usd", "$2,200", "n/a", "+10.0 %"),
        ("chat: ttft_p95", "600 ms", "500 ms to 700 ms", "n/a"),
    ]
    assert second.note.startswith("future, over 7 days, as simulated: nothing is corrected")


def test_without_a_forecast_there_is_one_table() -> None:
    document = backtest_document(found(), "past", None)
    assert document["forecast"] is None
    assert len(backtest_tables(document)) == 1
    assert document["figures"][0]["error_pct"] == 10.000000000000009
    assert document["figures"][2]["simulated"] is None

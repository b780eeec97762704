"""Whatever runs more than one simulation.

`replications` runs a scenario several times and `result` says what came of it, as the `summary`
that everything above reads; `intervals` tells how sure it is. `naive` measures the benchmark,
`curve` the price of a token against utilization. `executors` spreads runs over processes.
"""

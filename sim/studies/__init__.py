"""Whatever runs more than one simulation.

`replications` runs a scenario several times and `result` says what came of it: `summary` gives it
the shape that everything above reads, `intervals` tells how sure it is, `remarks` what else to
know. `naive` measures the benchmark, `curve` the price of a token against utilization. `executors`
spreads runs over processes.

`paired` says what a change does on random numbers in common, `paired_runs` runs no part of a fleet
twice, `resize` finds the smallest fleet that meets its SLOs; `compare`, `levers`, `slo_price` and
`sensitivity` are made of them.
"""

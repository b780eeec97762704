"""Traffic: what users send and when, drawn from laws or read from traces, in numpy arrays.

Read `source` (all routes as one stream), `arrivals` (when requests come) down to `renewal`,
`rate_path` and `ornstein`, `lengths` (how long they are), `sessions` (turns of conversations), and
`traces` (what was recorded); `trace_writer` writes what a scenario sends.
"""

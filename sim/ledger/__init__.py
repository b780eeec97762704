"""What happened, as records, and what follows from them; no price, no scenario, no clock.

Read `usage` (the result), `records` (a chunk of attempts as columns), `metering` (columns to
usage, by way of `tokens`, `latency` and `promises`), `conservation` (what must add up), `spool`
(columns on disk); `lease`, `events` and `level` are what a fleet leaves.
"""

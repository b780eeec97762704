"""From usage to money: pure functions that know no clock.

Read in this order: `reference` (seconds that tokens are worth), `benchmark` and `estimate` (the
naive price), `utilization` (what paid time was), `bill` (what is paid), `allocation` and `peak`
(who pays), `pricing` (for what), `statement` (all of it).
"""

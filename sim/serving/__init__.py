"""One engine: continuous batching on one replica, ignorant of fleets, scenarios and prices.

Read `sequence` (what is served), `timing` (how long a step lasts), `kvcache` and `holding` (the
blocks), `run` and `decodes` (many decode steps at once), `engine` (the state), the rules over it
(`admission`, `preemption`, `charges`, `booking`, `departures`), `batcher` (which drives them from
boundary to boundary, without a clock), `levels` (reading integrals), `replica` (in simulated time).
"""

"""One engine: continuous batching on one replica, ignorant of fleets, scenarios and prices.

Read `sequence` (what is served), `timing` (how long a step lasts), `kvcache` (blocks; those that
are shared in `holding`), `run` and `decodes` (many decode steps at once), `batcher` (what runs in a
step; its rules stand in `admission`, `preemption`, `booking`, `charges`, `departures`), `replica`
(the batcher in time).
"""

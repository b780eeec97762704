"""One engine: continuous batching on one replica, ignorant of fleets, scenarios and prices.

Read `sequence` (what is served), `timing` (how long a step lasts), `kvcache` (the blocks), `batcher`
(what runs in a step, without a clock), `replica` (the batcher in simulated time).
"""

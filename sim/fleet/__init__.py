"""The fleet: replicas grouped in pools, how requests find them, and who asks.

Read `pool` (replicas behind one router), `router` (which replica), `gateway` (routes to pools, all
attempts to the ledger), `clients` (who asks), `build` (from a scenario's spec to live objects).
"""

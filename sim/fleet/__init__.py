"""The fleet: replicas grouped in pools, how requests find them, and who asks.

Read `pool` (replicas behind one router), `router` (which replica), `clients` (who asks), `gateway`
and `door` (attempts in and out: patience, retries, overflow). Then `keeper` (makes replicas what is
wanted), `seat` and `node` (a replica's place, and its machine), `provider` (gives nodes),
`faults` (breaks them), `scaling` with `p95`, `hpa` and `plan_scaler` (how many are wanted), and
`site` (all of it for one pool). `build`, `build_site` and `build_door` make live objects of specs.
"""

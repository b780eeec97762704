"""The catalog: facts that others measured or published, each with its source and date; no clock.

Facts lie in `data/` (YAML, and JSON where a script wrote it); the readers beside it are small, load
a file when it is first asked for, and keep it. Reading order for a newcomer:

1. `names` - how anything is looked up, and what a misspelt name is told; `datafiles` reads `data/`.
2. `gpus`, `models` - cards and model shapes.
3. `kernel` - one step-time table and its formula; `timings` - which tables there are;
   `extrapolation` - an estimate for dense models that have none.
4. `hosts` - what the CPU adds to a step.
5. `kvcapacity` - how many tokens of KV cache fit beside the weights.
6. `prices` - what a GPU-hour costs; `workloads` - token lengths and day curves of public traces.
"""

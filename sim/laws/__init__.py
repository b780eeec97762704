"""Laws: distributions on the positive reals, by their quantiles and survival; knows no clock.

They count nothing: tokens, seconds or gaps are what the caller makes of them. Draws come from
inversion, `law.quantile(rng.random(n))`, so that they depend on the bit generator alone. Reading
order for a newcomer: `law` (the protocol), `fixed`, `uniform`, `exponential`, `lognormal`,
`weibull`, `gamma`, then `quantiles` (tables), `mixture`, `pareto` (a heavy tail), `empirical`
(recorded values) and `conditional` (tables that depend on the rank of something else).
"""

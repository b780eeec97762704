"""Books for a recount: who pays how much, from counted routes, leases and a price list.

The price list has `window_s`, `bill` (lines for all routes), `pools` (USD of a node-hour and of a
spot node's, GPUs of a node, the benchmark's tokens per second and seconds per token) and `routes`
(their pools, terms, and prices of the API that they overflow to). A node has one replica, every
pool has had work, and there was no warm-up: the file has all that ended in the window.
"""

from collections import Counter

import numpy as np

from tests.laws.recount import INTERVAL_S, KINDS


class Books:
    def __init__(self, terms, leases):
        self.terms, self.specs, self.pools = terms, terms["routes"], terms["pools"]
        self.routes = {}
        self.edges_s = np.append(np.arange(0, terms["window_s"], INTERVAL_S), terms["window_s"])
        self.held_s = {p: [np.zeros(len(self.edges_s) - 1) for _ in (0, 1)] for p in self.pools}
        for lease in leases:
            ends_s = np.maximum(np.minimum(lease.paid_until_s, self.edges_s), lease.begun_at_s)
            self.held_s[lease.pool][lease.spot] += np.diff(ends_s)

    def lines(self):
        """Nodes and hosted tokens."""
        found = Counter()
        for name, pool in self.pools.items():
            for line, held_s, usd in zip(
                ("nodes", "spot nodes"), self.held_s[name], pool["usd"], strict=True
            ):
                found[line, name] = held_s.sum() / 3600 * usd
        for name in self.specs:
            for kind, usd in self.hosted(name).items():
                found[f"hosted {kind.replace('_', ' ')} ({name})", None] = usd
        return found

    def hosted(self, name):
        """What the API took for a route, by kind."""
        tokens = {k: self.routes[name].figures[f"tokens.hosted.{k}"] for k in KINDS}
        tokens["input"] -= tokens["cached_input"]
        return {k: tokens[k] / 1e6 * self.specs[name]["api"][k] for k in KINDS}

    def seconds(self, name, pool, groups=("good", "lost")):
        """Reference seconds of a route on a pool, by cause."""
        pre_s, rent_s, out_s = self.pools[pool]["rates"]
        found = Counter()
        for t in (getattr(self.routes[name], group).get(pool, Counter()) for group in groups):
            cached = t["cached"] / ((t["cached"] + t["computed"]) or 1) * rent_s * t["prompt"]
            found.update({"prefill": pre_s * t["computed"], "decode": out_s * t["output"]})
            found.update({"cached": cached, "rent": rent_s * t["prompt"] - cached})
        return found

    def load_s(self, name, pool):
        """Reference seconds that ended on a pool in each five minutes."""
        pre_s, rent_s, out_s = self.pools[pool]["rates"]
        found = np.zeros(len(self.edges_s) - 1)
        for (at, place), t in self.routes[name].by_interval.items():
            used_s = pre_s * t["computed"] + rent_s * t["prompt"] + out_s * t["output"]
            found[place] += used_s * (at == pool)
        return found

    def shares(self, pool, way):
        """Each route's part of a pool's nodes."""
        mine = [name for name, spec in self.specs.items() if pool in spec["pools"]]
        weights = np.array([self.seconds(name, pool).total() for name in mine])
        if way == "by_peak":
            weights = self._layers(pool, np.array([self.load_s(name, pool) for name in mine]).T)
        return dict(zip([(name, pool) for name in mine], weights / weights.sum(), strict=True))

    def _layers(self, pool, load_s):
        """The airport game, layer by layer; *load_s*: (intervals, routes)."""
        length_s = np.diff(self.edges_s)
        paid, used = sum(self.held_s[pool]) / length_s, load_s.sum(axis=1) / length_s
        order, layers = np.argsort(-used, kind="stable"), int(np.ceil(paid.max() - 1e-6))
        seconds = load_s.sum(axis=0)
        for j in range(layers):
            idle_s = length_s @ (np.clip(paid - j, 0, 1) - np.clip(used - j, 0, 1))
            reach = max((used * layers > j * used.max()).sum(), int(np.ceil(0.01 * len(used))))
            busy = [h for h in order[:reach] if used[h] > 0]
            seconds += idle_s * np.mean(load_s[busy] / load_s[busy].sum(axis=1)[:, None], axis=0)
        return seconds

    def paid(self, way, lines):
        """Dollars by route and pool, without the API's; the bill's own lines are added to *lines*
        the first time."""
        share = {place: s for pool in self.pools for place, s in self.shares(pool, way).items()}
        nodes = {
            (name, p): s * (lines["nodes", p] + lines["spot nodes", p])
            for (name, p), s in share.items()
        }
        usd, hours, all_usd = dict(nodes), self.terms["window_s"] / 3600, sum(nodes.values())
        for name, of in self.routes.items():
            mine = [(name, pool) for pool in self.specs[name]["pools"]]
            own_usd = sum(nodes[place] for place in mine)
            tokens = of.figures["tokens.useful.input"] + of.figures["tokens.useful.output"]
            own_h = hours * own_usd / all_usd
            drivers = {"hours": own_h, "months": own_h / 730, "requests": of.answered}
            drivers |= {"million_tokens": tokens / 1e6, "egress_gb": of.sent * 4 / 1e9}
            for place in mine:
                node_h = share[place] * sum(self.held_s[place[1]]).sum() / 3600
                here = {"node_hours": node_h, "gpu_hours": node_h * self.pools[place[1]]["gpus"]}
                here |= {k: v * nodes[place] / own_usd for k, v in drivers.items()}
                for line in self.terms["bill"]:
                    part = here[line["driver"]] * line["usd"]
                    usd[place] += part
                    lines[line["line"], None] += part if way == "by_use" else 0.0
        return usd

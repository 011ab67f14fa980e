"""Prometheus metrics of one gateway process."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counters and histograms, in a registry of their own."""

    def __init__(self) -> None:
        """See class."""
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "openlake_gateway_requests",
            "Calls by action and status",
            ("action", "status"),
            registry=self.registry,
        )
        self.latency = Histogram(
            "openlake_gateway_request_seconds",
            "Time from a call to its answer",
            ("action",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.upstream = Histogram(
            "openlake_gateway_upstream_seconds",
            "Time that the catalog took",
            ("action",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.commits = Counter(
            "openlake_gateway_commits",
            "Mutations by action and outcome",
            ("action", "state"),
            registry=self.registry,
        )
        self.refused = Counter(
            "openlake_gateway_refused_commits",
            "Mutations refused by the gateway itself",
            ("reason",),
            registry=self.registry,
        )
        self.replayed = Counter(
            "openlake_gateway_replayed_commits",
            "Commits that were sent again and had been carried out",
            ("action",),
            registry=self.registry,
        )
        self.settled = Counter(
            "openlake_gateway_settled_commits",
            "Commits whose outcome was found out after a crash or a lost answer",
            ("state",),
            registry=self.registry,
        )

    def render(self) -> bytes:
        """Return the text exposition."""
        return generate_latest(self.registry)

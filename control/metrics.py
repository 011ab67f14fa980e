"""Prometheus metrics of the control plane; one registry a process, no ids as labels."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector


class Metrics:
    """Every metric of the API and of the control worker."""

    def __init__(self) -> None:
        """Make them in a registry of their own, so that tests can have several apps."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.http = Histogram(
            "openlake_http_request_seconds",
            "Time to answer a request, by route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.admissions = Counter(
            "openlake_admissions_total",
            "Runs asked for, by what became of them: PENDING, QUEUED, SKIPPED or repeated.",
            ("outcome",),
            registry=self.registry,
        )
        self.runs = Gauge(
            "openlake_runs", "Runs that are not over, by life.", ("life",), registry=self.registry
        )
        self.outbox_lag = Gauge(
            "openlake_outbox_lag_seconds",
            "Age of the oldest thing that Temporal has still to be told.",
            registry=self.registry,
        )
        self.outbox_failures = Counter(
            "openlake_outbox_failures_total",
            "Times that Temporal could not be told.",
            registry=self.registry,
        )
        self.projected = Counter(
            "openlake_projected_events_total", "Events projected.", registry=self.registry
        )
        self.projection_conflicts = Counter(
            "openlake_projection_conflicts_total",
            "Events that came again with other content, or out of order; must stay 0.",
            registry=self.registry,
        )
        self.log_bytes = Counter(
            "openlake_log_bytes_total", "Log bytes taken from workers.", registry=self.registry
        )
        self.deliveries = Counter(
            "openlake_deliveries_total",
            "Tries to deliver a notification, by the state after it.",
            ("state",),
            registry=self.registry,
        )

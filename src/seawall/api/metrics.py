"""Prometheus metrics, read from the projections at each scrape, so that every process reports the same totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector as Base

from seawall.app import App
from seawall.enforce.queries import deliveries_by_state
from seawall.model import now_ms
from seawall.model.latencies import Latencies
from seawall.review.queries import count_cases
from seawall.screen.queries import rescreen_summary, total_traffic


def _histogram(name: str, help_text: str, label: str, latencies: Mapping[str, Latencies]) -> HistogramMetricFamily:
    """One histogram for each value of the label."""
    family = HistogramMetricFamily(name, help_text, labels=(label,))
    for value, observed in latencies.items():
        buckets, sum_s = observed.buckets()
        family.add_metric([value], buckets, sum_s)
    return family


def _summed(rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[tuple[str, ...], int]]:
    """The sums of the last values by those before them."""
    sums: Counter[tuple[str, ...]] = Counter()
    for *labels, count in rows:
        sums[tuple(labels)] += count
    return sums.items()


class Collector(Base):
    """Decisions, degraded decisions, pending rescreens, cases, deliveries, queues, latencies, ledger head."""

    def __init__(self, app: App, latencies: Mapping[str, Latencies]) -> None:
        self._app = app
        self._latencies = latencies

    def collect(self) -> Iterator[Metric]:
        """The metrics as of now."""
        now = now_ms()
        with self._app.database.read() as connection:
            traffic = total_traffic(connection)
            rescreens = rescreen_summary(connection, now)
            cases = sum(count for _, count in count_cases(connection, "open").queues)
            waiting = deliveries_by_state(connection, except_state="delivered")
        decisions = CounterMetricFamily("seawall_decisions", "Decisions", labels=("content_type", "source", "verdict"))
        for labels, count in _summed((row.content_type, row.source, row.verdict, row.decisions) for row in traffic):
            decisions.add_metric(labels, count)
        yield decisions
        degraded = CounterMetricFamily(
            "seawall_degraded_decisions",
            "Decisions made while something was unknown",
            labels=("content_type", "source"),
        )
        for labels, count in _summed((row.content_type, row.source, row.degraded) for row in traffic):
            degraded.add_metric(labels, count)
        yield degraded
        yield GaugeMetricFamily(
            "seawall_pending_rescreens", "Items let through while something was unknown", value=rescreens.pending
        )
        due = rescreens.next_due_at
        overdue = max(0.0, (now - due) / 1000) if due is not None else 0.0
        yield GaugeMetricFamily(
            "seawall_rescreen_overdue_seconds", "How late the oldest open pending rescreen is", value=overdue
        )
        yield GaugeMetricFamily("seawall_open_cases", "Cases waiting for a person", value=cases)
        deliveries = GaugeMetricFamily("seawall_deliveries", "Deliveries not made yet, by state", labels=("state",))
        for state, count in waiting.items():
            deliveries.add_metric([state], count)
        yield deliveries
        yield from self._histograms()
        queued = GaugeMetricFamily(
            "seawall_writer_queue", "Units of work waiting for this process's writer", labels=("queue",)
        )
        for name, count in zip(("interactive", "bulk"), self._app.ledger.waiting(), strict=True):
            queued.add_metric([name], count)
        yield queued
        jobs = GaugeMetricFamily("seawall_jobs", "Background jobs, by kind and state", labels=("kind", "state"))
        for (kind, state), count in self._app.jobs.counts().items():
            jobs.add_metric((kind, state), count)
        yield jobs
        yield GaugeMetricFamily("seawall_ledger_events", "Events in the ledger", value=self._app.ledger.head())
        queued = GaugeMetricFamily(
            "seawall_detector_queue_parts", "Parts waiting for a detector, in this process", labels=("detector",)
        )
        hung = GaugeMetricFamily(
            "seawall_detector_hung_calls", "Calls of a detector given up as hung, in this process", labels=("detector",)
        )
        for queue in self._app.runner.states():
            queued.add_metric([queue.detector], queue.queued)
            hung.add_metric([queue.detector], queue.hung)
        yield queued
        yield hung

    def _histograms(self) -> Iterator[Metric]:
        app = self._app
        stages = {**app.screener.latencies, "record": app.ledger.commit_latencies}
        for name, help_text, label, latencies in (
            ("seawall_request_seconds", "Seconds until the answer, in this process", "route", self._latencies),
            ("seawall_stage_seconds", "Seconds of a stage of screening, in this process", "stage", stages),
            (
                "seawall_detector_seconds",
                "Seconds of a call of a detector or extractor, in this process; of inline ones, in every 17th request",
                "detector",
                app.runner.latencies(),
            ),
        ):
            yield _histogram(name, help_text, label, latencies)

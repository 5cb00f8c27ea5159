"""Numbers for Prometheus, read from the projections when they are asked for: right for every process at once."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as Base
from sqlalchemy import func, select

from seawall.app import App
from seawall.enforce.tables import delivery
from seawall.model import now_ms
from seawall.review.tables import case
from seawall.screen.tables import pending_rescreen, traffic


class Collector(Base):
    """Decisions, degraded decisions, pending rescreens, cases, deliveries, ledger head."""

    def __init__(self, app: App) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        """The metrics as of now."""
        decisions = CounterMetricFamily("seawall_decisions", "Decisions", labels=("content_type", "source", "verdict"))
        degraded = CounterMetricFamily(
            "seawall_degraded_decisions",
            "Decisions made while something was unknown",
            labels=("content_type", "source"),
        )
        names = (traffic.c.content_type, traffic.c.source)
        with self._app.database.read() as connection:
            for *labels, count in connection.execute(
                select(*names, traffic.c.verdict, func.sum(traffic.c.decisions)).group_by(*names, traffic.c.verdict)
            ):
                decisions.add_metric(labels, count)
            for *labels, count in connection.execute(select(*names, func.sum(traffic.c.degraded)).group_by(*names)):
                degraded.add_metric(labels, count)
            oldest, pending_rescreens = connection.execute(
                select(func.min(pending_rescreen.c.due_at), func.count()).where(pending_rescreen.c.state == "open")
            ).one()
            cases = connection.execute(select(func.count()).where(case.c.state == "open")).scalar_one()
            waiting = connection.execute(
                select(delivery.c.state, func.count()).where(delivery.c.state != "delivered").group_by(delivery.c.state)
            ).all()
        yield decisions
        yield degraded
        yield GaugeMetricFamily(
            "seawall_open_debts", "Items let through while something was unknown", value=pending_rescreens
        )
        overdue = max(0.0, (now_ms() - oldest) / 1000) if oldest is not None else 0.0
        yield GaugeMetricFamily(
            "seawall_debt_overdue_seconds", "How late the oldest open pending rescreen is", value=overdue
        )
        yield GaugeMetricFamily("seawall_open_cases", "Cases waiting for a person", value=cases)
        deliveries = GaugeMetricFamily("seawall_deliveries", "Deliveries not made yet, by state", labels=("state",))
        for state, count in waiting:
            deliveries.add_metric([state], count)
        yield deliveries
        yield GaugeMetricFamily("seawall_ledger_events", "Events in the ledger", value=self._app.ledger.head())

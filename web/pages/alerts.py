"""The page of drift alerts: a live list, the newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Self
from urllib.parse import urlencode

from mooring.metrics.catalogue import CATALOGUE
from web.models import ROC_AUC, AlertItem, AlertSeverity
from web.pages import display, entries
from web.pages.components import Drawn, Json
from web.pages.list_page import Listed, ListPage, ListView
from web.pages.lists import (
    LiveList,
    address,
    at_ms,
    chips,
    choice,
    counted,
    moment,
    place_choices,
    several,
    text,
    toggled,
)
from web.reads.filters import AlertFilter

_GRAVEST_FIRST = (AlertSeverity.CRITICAL, AlertSeverity.WARNING, AlertSeverity.INFO)
_TONES = {
    AlertSeverity.CRITICAL: ("Critical", "bad"),
    AlertSeverity.WARNING: ("Warning", "warn"),
    AlertSeverity.INFO: ("Info", "info"),
}
_TEXTS = ("metric", "node", "project", "q")
# What follows the first build of an empty registry, and moves its ROC AUC.
_EVALUATION = '\n    mooring.evaluated("redemption", "v1", store="weekly", metrics={"roc_auc": 0.81})'


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView(ListView):
    """Which alerts. `since` is included, `until` is not; epoch ms. What is empty is not in the address."""

    severity: tuple[str, ...] = ()
    metric: str = ""
    node: str = ""
    project: str = ""
    q: str = ""
    since: int | None = None
    until: int | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The view that an address asks for; what it does not know, or cannot be, is as if it were not there."""
        return cls(
            severity=several(query, "severity", _GRAVEST_FIRST),
            since=moment(query, "from"),
            until=moment(query, "to"),
            **{name: text(query, name) for name in _TEXTS},
        )

    @property
    def query(self) -> str:
        """The query part of the address, with its question mark; empty for the plain view."""
        said = {name: getattr(self, name) for name in ("severity", *_TEXTS)}
        return address(**said, **{"from": self.since, "to": self.until})

    @property
    def stream_query(self) -> str:
        """The query part for the API's stream of alerts, which knows all of it but the text."""
        pairs = [("severity", value) for value in self.severity]
        pairs += [(name, getattr(self, name)) for name in ("metric", "node", "project") if getattr(self, name)]
        pairs += [(name, str(at)) for name, at in (("from", self.since), ("to", self.until)) if at is not None]
        return f"?{urlencode(pairs)}" if pairs else ""

    @property
    def where(self) -> AlertFilter:
        return AlertFilter(
            severity=self.severity,
            metric=(self.metric,) if self.metric else (),
            node=(self.node,) if self.node else (),
            project=(self.project,) if self.project else (),
            since=self.since,
            until=self.until,
            q=self.q or None,
        )


def entry(item: AlertItem) -> Json:
    """An alert as the list draws it."""
    decimals = display.decimals_for([item.initial, item.previous, item.current])
    known = CATALOGUE.get(item.metric)
    was = {"initial": item.initial, "before": item.previous, "now": item.current}
    return entries.alert(item) | {
        "place": f"{item.node} › {item.project}",
        "active": item.active,
        "metric": known.label if known else item.metric,
        "drift": asdict(display.drift(item.drift, item.degradation, decimals)),
        "since": ", ".join(f"{name} {display.number(value, decimals)}" for name, value in was.items()),
        "store": item.store,
        "evaluation": f"Evaluation {item.evaluation}",
    }


class AlertList(LiveList, component="alerts.js"):
    """The alerts by day. Events: `more`, `clear`."""


class Subscribe(Drawn, component="subscribe.js"):
    """The command that subscribes to what is shown."""


class AlertsPage(ListPage[AlertView, Listed]):
    """All drift alerts."""

    path = "/alerts"
    heading = "Drift alerts"
    step = 50
    most = 500

    def build(self) -> None:
        super().build()
        with self._bar:
            self._subscribe = Subscribe()

    def build_list(self) -> AlertList:
        alerts = AlertList()
        alerts.show(example=self.services.example + _EVALUATION)
        return alerts

    def parse(self, query: Mapping[str, str]) -> AlertView:
        return AlertView.of(query)

    def is_typing(self, before: AlertView, after: AlertView) -> bool:
        return replace(before, q=after.q) == after

    def read(self, view: AlertView) -> Listed:
        alerts = self.services.queries.alerts
        page = alerts.page(view.where, limit=self._rows)
        counts = alerts.counts(replace(view.where, severity=()))
        total = sum(counts.get(each, 0) for each in view.severity or _GRAVEST_FIRST)
        return Listed(
            filters={
                "label": "Filter the alerts",
                "search": "Search models, projects",
                "q": view.q,
                "chips": [chips("severity", "Severity", _severities(counts), view.severity)],
                "choices": self._choices(view, page.items),
                "times": [
                    {"name": "from", "label": "From", "at": view.since, "last": False},
                    {"name": "to", "label": "To", "at": view.until, "last": True},
                ],
                "total": counted(total, "alert"),
                "tallied": True,
            },
            rows=[entry(item) for item in page.items],
            more=page.next_cursor is not None,
        )

    def show(self, view: AlertView, shown: Listed) -> None:
        super().show(view, shown)
        note = "The words searched for are no filter of the stream." if view.q else ""
        self._subscribe.show(query=view.stream_query, note=note)

    def narrowed(self, name: str, value: object) -> AlertView:
        match name:
            case "severity":
                return replace(self.view, severity=toggled(self.view.severity, str(value), _GRAVEST_FIRST))
            case "from":
                return replace(self.view, since=at_ms(value))
            case "to":
                return replace(self.view, until=at_ms(value))
            case "metric" | "node" | "project" | "q":
                return replace(self.view, **{name: str(value)})  # type: ignore[arg-type]  # mypy on a mixed mapping
        return self.view

    def _choices(self, view: AlertView, listed: Sequence[AlertItem]) -> list[Json]:
        queries = self.services.queries
        labels = {code: spec.label for code, spec in queries.metrics.seen().items()}
        labels[ROC_AUC] = CATALOGUE[ROC_AUC].label
        offered = {ROC_AUC, *(item.metric for item in listed)}
        places = place_choices(
            queries.versions, view.node, view.project, {(item.node, item.project) for item in listed}
        )
        return [choice("metric", "Metric", view.metric, offered | set(labels), labels), *places]


def _severities(counts: Mapping[str, int]) -> Iterable[Json]:
    for severity in _GRAVEST_FIRST:
        label, tone = _TONES[severity]
        yield {"value": severity.value, "label": label, "tone": tone, "count": f"{counts.get(severity, 0):,}"}

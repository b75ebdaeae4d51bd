"""A story for the tests of the details and of comparisons, and a look at what a chart draws."""

from typing import Any

from mooring.events import Change, Thresholds
from mooring.outputs import (
    Configuration,
    EvaluationOutcome,
    LifecycleFact,
    Outcome,
    Severity,
    Source,
    StoreSettings,
    VersionMetrics,
)
from tests.web.feed import BUILT_AT, DAY_MS, Feed, alert, outcome, version

HOSTILE = "<img src=x onerror=document.title='owned'>"
VALUES = (0.86, 0.85, 0.83, 0.81)

# What the chart draws: by series, its points.
DRAWN = """async () => {
    const { echarts } = await import("nicegui-echart");
    const drawn = echarts.getInstanceByDom(document.querySelector("[data-testid=chart]")).getOption();
    return Object.fromEntries(drawn.series.map((each) => [each.id, each.data.map((point) => point.value ?? point)]));
}"""
# What of it is visible: from when to when.
WINDOW = """async () => {
    const { echarts } = await import("nicegui-echart");
    const [zoom] = echarts.getInstanceByDom(document.querySelector("[data-testid=chart]")).getOption().dataZoom;
    return [zoom.startValue, zoom.endValue];
}"""


def at(day: float) -> int:
    return BUILT_AT + int(day * DAY_MS)


# Any: fields of each type.
def evaluated(key: str, day: float, value: float, **fields: Any) -> EvaluationOutcome:
    given = {"evaluated_at": at(day), "metrics": {"roc_auc": value, "log_loss": 1 - value}}
    given["drift"] = {"roc_auc": value - 0.87, "log_loss": 1 - value - 0.3}
    return outcome(key, f"{key} {day}", **{**given, **fields})


def version_at(key: str, day: int, value: float) -> VersionMetrics:
    """A version as it is when this evaluation is its newest."""
    current = {"roc_auc": value, "log_loss": 1 - value, "data_drift": 0.71}
    newest = Source(
        store_id="weekly",
        evaluation_id="e1",
        evaluated_at=at(day),
        recorded_at=at(day),
        event_id=f"{key} {day}",
        metrics=tuple(current),
    )
    return version(
        key,
        initial={"roc_auc": 0.87, "log_loss": 0.30},
        initial_std={"roc_auc": 0.012},
        current=current,
        sources=(newest,),
        severity=Severity.CRITICAL,
        evaluated_at=at(day),
        model_name="Coupon redemption",
        algorithm="Random forest",
        author="ada@example.org",
        labels={"team": "growth"},
        source_url="https://example.org/run/1",
    )


class Story:
    """A project of its own: a version that fell over four evaluations and has some of other outcomes, an active one,
    and one of another model."""

    def __init__(self, feed: Feed, project: str) -> None:
        self.feed = feed
        self.v1, self.v2, self.v9 = (f"design-1/{project}/redemption/{name}" for name in ("v1", "v2", "v9"))
        self.basket = f"design-1/{project}/basket/v1"
        bounds = Configuration(
            event_id="c",
            synced=True,
            effective_at=0,
            recorded_at=0,
            thresholds={"roc_auc": Thresholds(min=0.8, soft_min=0.84)},
        )
        deployed = LifecycleFact(
            change=Change.DEPLOYED, infrastructure="k8s-prod", stage="Production", changed_at=at(1), event_id="d"
        )
        self.evaluations(
            *(evaluated(self.v1, day, value) for day, value in enumerate(VALUES, start=1)),
            evaluated(self.v1, 5, 0.5, outcome=Outcome.DUPLICATE),
            evaluated(self.v1, 6, 0.0, outcome=Outcome.NOT_SYNCED, metrics={}, drift={}, store_id="sandbox"),
            evaluated(self.v2, 2, 0.884),
            evaluated(self.v2, 4, 0.889),
        )
        feed.send(
            feed.topics.drift_alerts,
            alert(self.v1, f"{self.v1} 4", evaluated_at=at(4), reason=f"ROC AUC fell. {HOSTILE}"),
        )
        feed.send(
            feed.topics.store_settings,
            StoreSettings(
                store_key=f"design-1/{project}/weekly",
                node_id="design-1",
                project_key=project,
                store_id="weekly",
                configurations=(bounds,),
            ),
        )
        self.versions(
            version_at(self.v1, 4, VALUES[-1]),
            version(
                self.v2,
                initial={"roc_auc": 0.882, "log_loss": 0.28},
                current={"roc_auc": 0.889, "log_loss": 0.27},
                active=True,
                model_name="Coupon redemption",
                lifecycle=(deployed,),
            ),
            version(self.basket, initial={"rmse": 1243.2}, model_name=HOSTILE),
        )

    def evaluations(self, *outcomes: EvaluationOutcome) -> None:
        self.feed.send(self.feed.topics.evaluation_outcomes, *outcomes)

    def versions(self, *rows: VersionMetrics) -> None:
        self.feed.send(self.feed.topics.version_metrics, *rows)

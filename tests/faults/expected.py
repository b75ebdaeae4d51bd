"""What a partition's input demands, by the oracle of `tests/streams`, for more events than that alone could take.

The oracle looks at all events anew for every one. Here it is given, of a model's evaluations, only those that some
current value comes from; which these are is found in one pass. `test_expected.py` holds both against each other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

from mooring.events import EvaluationRun, EvaluationStore, Event, LifecycleChange, ModelBuild
from tests.faults.events import RACING
from tests.streams import oracle
from tests.streams.oracle import Plain

_MOST_ORDERS = 2_000
Stamp = tuple[int, str, str, int, str]


class DemandedAlert(NamedTuple):
    """An alert's content, all but its `reason`, and the event that causes it."""

    content: Plain
    cause: EvaluationRun


@dataclass
class DemandedOutcome:
    """What must be said of an evaluation."""

    run: EvaluationRun
    counts: bool
    sets: bool  # a metric, when it is first handled
    records: int = 0
    alert_id: str | None = None


@dataclass
class Race:
    """A version that is built while it is evaluated: the alerts, by id, of each order that its topics are read in."""

    key: str
    orders: list[dict[str, Plain]]

    @property
    def allowed(self) -> dict[str, list[Plain]]:
        """Each alert of some order, with the contents that it may have."""
        found: dict[str, list[Plain]] = defaultdict(list)
        for order in self.orders:
            for alert_id, content in order.items():
                if content not in found[alert_id]:
                    found[alert_id].append(content)
        return found


@dataclass
class Expected:
    """What one partition's input demands."""

    rows: dict[str, Plain] = field(default_factory=dict)
    stores: dict[str, Plain] = field(default_factory=dict)
    activations: dict[str, Plain] = field(default_factory=dict)
    alerts: dict[str, DemandedAlert] = field(default_factory=dict)
    races: list[Race] = field(default_factory=list)
    outcomes: dict[str, DemandedOutcome] = field(default_factory=dict)


def expect(events: Iterable[Event]) -> Expected:
    """What good events demand. Events of the same type are in the order of their topic; types may come in any order."""
    models: dict[tuple[str, str, str], list[Any]] = defaultdict(list)
    stores: dict[tuple[str, str], dict[str, list[EvaluationStore]]] = defaultdict(lambda: defaultdict(list))
    for event in events:
        project = event.node_id, event.project_key
        if isinstance(event, EvaluationStore):
            stores[project][event.store_id].append(event)
        elif isinstance(event, ModelBuild | LifecycleChange | EvaluationRun):
            models[*project, event.model_id].append(event)
    expected = Expected(stores=dict(_stores(stores)))
    for (node, project_key, _), of_model in models.items():
        _expect_of_model(of_model, stores[node, project_key], expected)
    return expected


def _expect_of_model(events: list[Any], stores: Mapping[str, list[EvaluationStore]], expected: Expected) -> None:
    facts = oracle._distinct(event for event in events if not isinstance(event, EvaluationRun))
    runs: dict[str, list[EvaluationRun]] = defaultdict(list)
    for event in events:
        if isinstance(event, EvaluationRun):
            runs[oracle._key(event)].append(event)
    that_matter: list[EvaluationRun] = []
    for key, of_version in runs.items():
        configured = {store: stores[store] for store in {run.store_id for run in of_version} if store in stores}
        outcomes = _outcomes(of_version, configured)
        expected.outcomes.update(outcomes)
        that_matter += _those_that_matter([outcome.run for outcome in outcomes.values() if outcome.counts])
        if of_version[0].model_id.startswith(RACING):
            known = [one for some in configured.values() for one in some]
            builds = [one for one in events if isinstance(one, ModelBuild) and oracle._key(one) == key]
            expected.races.append(_race(key, known, builds, of_version))
        else:
            for alert in _alerts(of_version, facts, configured, outcomes):
                expected.alerts[alert.content["alert_id"]] = alert
                outcomes[alert.cause.event_id].alert_id = alert.content["alert_id"]
    configurations = [one for store in {run.store_id for run in that_matter} for one in stores.get(store, ())]
    expected.rows.update(oracle.rows([*configurations, *facts, *that_matter]))
    expected.activations.update(_activation(facts))


def _stamp(run: EvaluationRun) -> Stamp:
    return run.evaluated_at, run.evaluation_id, run.store_id, run.recorded_at, run.event_id


def _outcomes(runs: Sequence[EvaluationRun], stores: Mapping[str, list[EvaluationStore]]) -> dict[str, DemandedOutcome]:
    newest: dict[str, Stamp] = {}
    found: dict[str, DemandedOutcome] = {}
    records = Counter(run.event_id for run in runs)
    for run in runs:
        if run.event_id in found:
            continue
        counts = oracle._counts(run, list(stores.get(run.store_id, ())))
        stamp = _stamp(run)
        new = [code for code in run.metrics if counts and (code not in newest or stamp > newest[code])]
        newest |= dict.fromkeys(new, stamp)
        found[run.event_id] = DemandedOutcome(run, counts, bool(new), records[run.event_id])
    return found


def _those_that_matter(counted: Sequence[EvaluationRun]) -> list[EvaluationRun]:
    """Those that have the newest value of a metric, or declare one."""
    newest: dict[str, EvaluationRun] = {}
    for run in counted:
        for code in run.metrics:
            if code not in newest or _stamp(run) > _stamp(newest[code]):
                newest[code] = run
    matter = [*newest.values(), *(run for run in counted if run.custom_metrics)]
    return list({run.event_id: run for run in matter}.values())


def _alerts(
    runs: Sequence[EvaluationRun],
    facts: list[Event],
    stores: Mapping[str, list[EvaluationStore]],
    outcomes: Mapping[str, DemandedOutcome],
) -> Iterator[DemandedAlert]:
    """The alerts of a version all of whose builds and activations are known before its evaluations."""
    before = [one for one in facts if isinstance(one, ModelBuild) or one.change in ("ACTIVATED", "DEACTIVATED")]  # type: ignore[attr-defined]  # no other facts
    current: EvaluationRun | None = None
    for run in runs:
        if not outcomes[run.event_id].counts or "roc_auc" not in run.metrics:
            continue
        if current is not None and _stamp(run) <= _stamp(current):
            continue
        compared = oracle._initial(run, before).get("roc_auc") if current is None else current.metrics["roc_auc"]
        current = run
        if compared is not None and run.metrics["roc_auc"] != compared:
            known = [*before, *stores.get(run.store_id, ()), run]
            yield DemandedAlert(oracle.rounded(oracle._alert(run, compared, known)), run)


def _race(key: str, stores: list[EvaluationStore], builds: Sequence[Event], runs: Sequence[Event]) -> Race:
    orders = []
    total = len(builds) + len(runs)
    for number, places in enumerate(combinations(range(total), len(builds))):
        if number > _MOST_ORDERS:
            raise ValueError(f"{key}: {len(builds)} builds among {len(runs)} evaluations are too many to try")
        left_builds, left_runs = iter(builds), iter(runs)
        order = [next(left_builds if place in places else left_runs) for place in range(total)]
        alerts = map(oracle.rounded, oracle.alerts([*stores, *order]))
        orders.append({alert["alert_id"]: _without_activity(alert) for alert in alerts})
    return Race(key, orders)


def _without_activity(alert: Plain) -> Plain:
    """Which version is active races too."""
    return {name: value for name, value in alert.items() if name != "active"}


def _stores(
    stores: Mapping[tuple[str, str], Mapping[str, list[EvaluationStore]]],
) -> Iterator[tuple[str, Plain]]:
    """Rule 2's table: of the configurations from the same moment on, the newest."""
    for (node, project), of_project in stores.items():
        for store, known in of_project.items():
            key = "/".join(map(oracle._part, (node, project, store)))
            in_order = sorted(known, key=lambda one: (one.effective_at, one.recorded_at, one.event_id))
            latest = {one.effective_at: one for one in in_order}
            yield (
                key,
                {
                    "store_key": key,
                    "node_id": node,
                    "project_key": project,
                    "store_id": store,
                    "configurations": [
                        {
                            "event_id": one.event_id,
                            "name": one.name,
                            "synced": one.synced,
                            "effective_at": one.effective_at,
                            "recorded_at": one.recorded_at,
                            "thresholds": {code: bounds.to_record() for code, bounds in one.thresholds.items()},
                            "actor": one.actor,
                        }
                        for one in latest.values()
                    ],
                },
            )


def _activation(facts: list[Any]) -> dict[str, Plain]:
    """Rule 5's table: the newest activation of a model, if any."""
    switched_on = [switch for switch in oracle._switches(facts) if switch[-1]]
    if not switched_on:
        return {}
    at, event_id, _, version_key, _ = max(switched_on)
    model_key = version_key.rpartition("/")[0]
    version = next(one.version_id for one in facts if one.event_id == event_id)
    return {model_key: {"model_key": model_key, "version_id": version, "changed_at": at, "event_id": event_id}}

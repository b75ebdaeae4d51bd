"""The client: report builds, evaluations and configurations to Mooring, and hear its drift alerts.

    with Mooring("localhost:9092", node="design-1", project="COUPONS") as mooring:
        mooring.model_built("redemption", "v1", prediction_type="BINARY", metrics={"roc_auc": 0.87}, activate=True)
        mooring.evaluated("redemption", "v1", store="weekly", metrics={"roc_auc": 0.81})

Nothing is sent that breaks a rule: what a report says is checked before, and InvalidEvent names the field.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, SupportsFloat, SupportsIndex

from kafka.errors import AuthorizationError, KafkaError, KafkaTimeoutError, SaslAuthenticationFailedError

from mooring.alerts import Alerts, Since
from mooring.codec import encode
from mooring.connection import (
    BrokerRefused,
    abandon,
    connection_settings,
    has_heard_from_broker,
    new_producer,
)
from mooring.delivery import Outbox, Receipt
from mooring.environment import variables
from mooring.errors import BrokerUnavailable, InvalidEvent, MooringError, NotDelivered, TopicsMissing
from mooring.events import (
    Change,
    CustomMetric,
    EvaluationRun,
    EvaluationStore,
    Event,
    LifecycleChange,
    ModelBuild,
    NodeKind,
    Thresholds,
)
from mooring.given import (
    Time,
    bounds_of,
    copied,
    evaluation_of,
    id_or_new,
    measured,
    member,
    number,
    number_map,
    time_or,
)
from mooring.keys import ProjectKey
from mooring.metrics.catalogue import PredictionType
from mooring.metrics.evaluation import CostMatrix, Evaluation
from mooring.topics import DEFAULT_PREFIX, Topic, Topics

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from mooring.registry import Registry

DEFAULT_BROKERS = "localhost:9092"
FLUSH_TIMEOUT_S = 30.0

_AT_EXIT_TIMEOUT_S = 5.0
_AFTER_AN_ERROR_TIMEOUT_S = 5.0
_DISCONNECT_TIMEOUT_S = 2.0
# Key and framing of a record, roughly: what is under way is bounded, not counted.
_RECORD_OVERHEAD_BYTES = 100

_log = logging.getLogger(__name__)


class Mooring:
    """A connection to Mooring for one project of one node. Safe to use from several threads.

    `brokers` is `host:port`, several joined by commas; `security` holds kafka-python's settings `security_protocol`,
    `ssl_…` and `sasl_…`; `url` is the web view's address, for `registry`. Blocks for at most about five seconds.

    Raises BrokerUnavailable where no broker answers, BrokerRefused where it refuses the credentials, InvalidEvent
    where node or project are no ids.
    """

    def __init__(
        self,
        brokers: str = DEFAULT_BROKERS,
        *,
        node: str,
        project: str,
        node_kind: NodeKind | str = NodeKind.OTHER,
        topic_prefix: str = DEFAULT_PREFIX,
        security: Mapping[str, Any] | None = None,
        url: str | None = None,
    ) -> None:
        self.brokers = brokers
        self.project = ProjectKey(node, project)
        self.node_kind = member("node_kind", NodeKind, node_kind)
        self.topics = Topics.named(topic_prefix)
        self._topic_of: dict[type, Topic[Any]] = {topic.type: topic for topic in self.topics.inputs}
        self._outbox = Outbox()
        self._alerts: weakref.WeakSet[Alerts] = weakref.WeakSet()
        self._settings = connection_settings(brokers, security)
        self._producer = new_producer(brokers, self._settings)
        self._url = url
        self._registry: Registry | None = None
        self._registry_lock = threading.Lock()
        self._is_closed = False
        # A program that ends without `close` should not lose what it reported either.
        self._at_exit = atexit.register(_close_at_exit, weakref.ref(self))

    def model_built(
        self,
        model: str,
        version: str,
        *,
        prediction_type: PredictionType | str,
        metrics: Mapping[str, SupportsFloat] | Evaluation | None = None,
        y_true: ArrayLike | None = None,
        y_score: ArrayLike | None = None,
        positive: object = None,
        threshold: float = 0.5,
        sample_weight: ArrayLike | None = None,
        cost_matrix: CostMatrix | None = None,
        metric_std: Mapping[str, SupportsFloat] | None = None,
        standard_errors: Mapping[str, SupportsFloat] | None = None,
        custom_metrics: Iterable[CustomMetric] = (),
        n_positive: SupportsIndex | None = None,
        n_negative: SupportsIndex | None = None,
        built_at: Time | None = None,
        activate: bool = False,
        model_name: str | None = None,
        version_name: str | None = None,
        algorithm: str | None = None,
        author: str | None = None,
        source_url: str | None = None,
        labels: Mapping[str, str] | None = None,
        event_id: str | None = None,
        recorded_at: Time | None = None,
    ) -> Receipt:
        """Report that a version of a model was built, now unless `built_at` says when.

        Its initial metrics are `metrics`: numbers by code, or what `mooring.metrics.evaluate` gave, with its standard
        errors, counts, labels and declarations. For a BINARY model they can be calculated here from the test set's
        labels `y_true` and scores `y_score` (with `positive`, `threshold`, `sample_weight`, `cost_matrix`: see
        `mooring.metrics.binary.evaluate_binary`). What is given by hand holds against what is calculated. `activate`
        makes this the active version.

        Raises InvalidEvent naming the field, DependencyMissing without scikit-learn, and what `report` raises.
        """
        predicts = member("prediction_type", PredictionType, prediction_type)
        if y_true is not None and predicts is not PredictionType.BINARY:
            raise InvalidEvent(
                "y_true", f"is for BINARY models only, not for {predicts}; pass metrics=mooring.metrics.evaluate(…)"
            )
        found, by_hand = evaluation_of(metrics, y_true, y_score, positive, threshold, sample_weight, cost_matrix)
        if found is not None and found.prediction_type is not predicts:
            raise InvalidEvent("prediction_type", f"is {predicts}, but the metrics are of {found.prediction_type}")
        rows = measured(found, by_hand, standard_errors, custom_metrics, labels, None, n_positive, n_negative)
        now = _now()
        event = ModelBuild(
            event_id=id_or_new(event_id),
            node_id=self.project.node_id,
            node_kind=self.node_kind,
            project_key=self.project.project_key,
            model_id=model,
            model_name=model_name,
            version_id=version,
            version_name=version_name,
            algorithm=algorithm,
            prediction_type=predicts,
            built_at=time_or(now, "built_at", built_at),
            recorded_at=time_or(now, "recorded_at", recorded_at),
            activate=activate,
            metrics=rows.metrics,
            metric_std=number_map("metric_std", metric_std),
            standard_errors=rows.standard_errors,
            custom_metrics=rows.custom_metrics,
            n_positive=rows.n_positive,
            n_negative=rows.n_negative,
            author=author,
            source_url=source_url,
            labels=rows.labels,
        )
        return self._report(event, rows.left_out)

    def evaluated(
        self,
        model: str,
        version: str,
        *,
        store: str,
        evaluation: str | None = None,
        metrics: Mapping[str, SupportsFloat] | Evaluation | None = None,
        y_true: ArrayLike | None = None,
        y_score: ArrayLike | None = None,
        positive: object = None,
        threshold: float = 0.5,
        sample_weight: ArrayLike | None = None,
        cost_matrix: CostMatrix | None = None,
        data_drift: SupportsFloat | None = None,
        standard_errors: Mapping[str, SupportsFloat] | None = None,
        custom_metrics: Iterable[CustomMetric] = (),
        n_rows: SupportsIndex | None = None,
        n_positive: SupportsIndex | None = None,
        n_negative: SupportsIndex | None = None,
        evaluated_at: Time | None = None,
        synced: bool | None = None,
        source_url: str | None = None,
        labels: Mapping[str, str] | None = None,
        event_id: str | None = None,
        recorded_at: Time | None = None,
        model_project: str | None = None,
    ) -> Receipt:
        """Report one run of an evaluation of a version in an evaluation store, now unless `evaluated_at` says when.

        The metrics come as in `model_built`; `data_drift` is the metric of that name. `synced=False` keeps this
        evaluation out of the registry; None leaves it to the store. The same `evaluation` again, reported later, is a
        correction. `model_project` is there to be refused: a store only evaluates versions of its own project.

        Raises InvalidEvent naming the field, DependencyMissing without scikit-learn, and what `report` raises.
        """
        found, by_hand = evaluation_of(metrics, y_true, y_score, positive, threshold, sample_weight, cost_matrix)
        rows = measured(found, by_hand, standard_errors, custom_metrics, labels, n_rows, n_positive, n_negative)
        now = _now()
        event = EvaluationRun(
            event_id=id_or_new(event_id),
            node_id=self.project.node_id,
            project_key=self.project.project_key,
            store_id=store,
            evaluation_id=id_or_new(evaluation),
            model_project_key=self.project.project_key if model_project is None else model_project,
            model_id=model,
            version_id=version,
            evaluated_at=time_or(now, "evaluated_at", evaluated_at),
            recorded_at=time_or(now, "recorded_at", recorded_at),
            metrics=rows.metrics if data_drift is None else {**rows.metrics, "data_drift": number(data_drift)},
            standard_errors=rows.standard_errors,
            custom_metrics=rows.custom_metrics,
            synced=synced,
            n_rows=rows.n_rows,
            n_positive=rows.n_positive,
            n_negative=rows.n_negative,
            source_url=source_url,
            labels=rows.labels,
        )
        return self._report(event, rows.left_out)

    def configure_store(
        self,
        store: str,
        *,
        synced: bool = True,
        name: str | None = None,
        thresholds: Mapping[str, Thresholds | Mapping[str, SupportsFloat]] | None = None,
        actor: str | None = None,
        effective_at: Time | None = None,
        event_id: str | None = None,
        recorded_at: Time | None = None,
    ) -> Receipt:
        """Configure an evaluation store from `effective_at` (now) on: whether its evaluations are synced, and bounds.

        Raises InvalidEvent naming the field, and what `report` raises.
        """
        now = _now()
        return self.report(
            EvaluationStore(
                event_id=id_or_new(event_id),
                node_id=self.project.node_id,
                project_key=self.project.project_key,
                store_id=store,
                name=name,
                synced=synced,
                effective_at=time_or(now, "effective_at", effective_at),
                recorded_at=time_or(now, "recorded_at", recorded_at),
                thresholds={code: bounds_of(code, bounds) for code, bounds in copied("thresholds", thresholds).items()},
                actor=actor,
            )
        )

    def activated(
        self,
        model: str,
        version: str,
        *,
        actor: str | None = None,
        changed_at: Time | None = None,
        event_id: str | None = None,
        recorded_at: Time | None = None,
    ) -> Receipt:
        """Report that a version became the active one of its model. Raises what `lifecycle` raises."""
        return self.lifecycle(
            model,
            version,
            Change.ACTIVATED,
            actor=actor,
            changed_at=changed_at,
            event_id=event_id,
            recorded_at=recorded_at,
        )

    def lifecycle(
        self,
        model: str,
        version: str,
        change: Change | str,
        *,
        infrastructure: str | None = None,
        stage: str | None = None,
        actor: str | None = None,
        changed_at: Time | None = None,
        event_id: str | None = None,
        recorded_at: Time | None = None,
    ) -> Receipt:
        """Report a change in the life cycle of a version. DEPLOYED and UNDEPLOYED need the infrastructure.

        Raises InvalidEvent naming the field, and what `report` raises.
        """
        now = _now()
        return self.report(
            LifecycleChange(
                event_id=id_or_new(event_id),
                node_id=self.project.node_id,
                project_key=self.project.project_key,
                model_id=model,
                version_id=version,
                change=member("change", Change, change),
                infrastructure=infrastructure,
                stage=stage,
                actor=actor,
                changed_at=time_or(now, "changed_at", changed_at),
                recorded_at=time_or(now, "recorded_at", recorded_at),
            )
        )

    def report(self, event: Event) -> Receipt:
        """Send an event, of whatever node and project. Returns before it is acknowledged; the receipt waits for that.

        Blocks where much is under way already, and on the first event of a topic.

        Raises InvalidEvent (dated in the future, too large), TopicsMissing, BrokerUnavailable, BrokerRefused, and
        NotDelivered where the broker takes nothing more. What goes wrong later is told by the receipt, and by `flush`
        and `close`.
        """
        return self._report(event, {})

    def alerts(
        self,
        group: str | None = None,
        *,
        since: Since | None = None,
        follow: bool = True,
        timeout_s: float | None = None,
    ) -> Alerts:
        """The drift alerts of every project, as an iterator that waits for the next one.

        With a `group`, its members share the alerts, and each alert comes at least once: its position is committed
        when the next one is asked for. Where the group has no position yet, it starts at `since`, "beginning" unless
        given. Without a group all alerts since `since` come: "now" (default), "beginning", or a time.

        The iterator ends at `close()`, after `timeout_s` without an alert, or, unless `follow`, at the last alert there
        was at the call. It may be used as a context manager.

        Raises TopicsMissing, BrokerUnavailable, BrokerRefused.
        """
        alerts = Alerts(
            self.topics.drift_alerts,
            self._settings,
            self.brokers,
            group=group,
            since=since,
            follow=follow,
            timeout_s=timeout_s,
        )
        self._alerts.add(alerts)
        return alerts

    @property
    def registry(self) -> Registry:
        """What is known of all models, from the web view at `url`; else that of MOORING_URL, else this machine's.

        Nothing is asked before its first method is called; it is closed with this connection. Raises InvalidSetting for
        a bad environment, and MooringError where this connection is closed.
        """
        with self._registry_lock:
            if self._is_closed:
                raise MooringError("This connection is closed; nothing can be asked on it any more.")
            if self._registry is None:
                # Loaded only where it is asked for: pipelines that report need no HTTP.
                from mooring.registry import DEFAULT_URL, Registry

                self._registry = Registry(self._url or variables().get("MOORING_URL") or DEFAULT_URL)
            return self._registry

    def flush(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Block until the broker has acknowledged everything reported so far.

        Raises NotDelivered that lists what it has not: what failed, and what is still under way after that time.
        """
        self._outbox.settle(timeout_s)

    def close(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Flush, then disconnect. Ends the iterators of `alerts`. Raises NotDelivered as `flush` does."""
        if self._is_closed:
            return
        self._is_closed = True
        atexit.unregister(self._at_exit)
        for alerts in list(self._alerts):
            alerts.close()
        with self._registry_lock:
            if self._registry is not None:
                self._registry.close()
        try:
            self._outbox.settle(timeout_s)
        except NotDelivered:
            abandon(self._producer, _DISCONNECT_TIMEOUT_S)
            raise
        finally:
            self._producer.close(timeout=_DISCONNECT_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        try:
            self.close(_AFTER_AN_ERROR_TIMEOUT_S)
        except NotDelivered as not_delivered:
            # The first error is the one to look at; this one must not be lost over it.
            error.add_note(str(not_delivered))

    def _report(self, event: Event, left_out: Mapping[str, str]) -> Receipt:
        if self._is_closed:
            raise MooringError("This connection is closed; nothing can be reported on it any more.")
        event.check_not_in_the_future(_now())
        if (topic := self._topic_of.get(type(event))) is None:
            raise InvalidEvent("event", f"{type(event).__name__} is nothing that can be reported")
        value = encode(event)
        size = len(value) + _RECORD_OVERHEAD_BYTES
        if not self._outbox.make_room(size, FLUSH_TIMEOUT_S):
            raise NotDelivered(
                f"{type(event).__name__} {event.event_id} was not sent: the broker at {self.brokers} has acknowledged "
                f"none of what is under way for {FLUSH_TIMEOUT_S:.0f} s."
            )
        start = time.monotonic()
        try:
            future = self._producer.send(topic.name, value, key=topic.key(event))
        except BaseException as error:
            self._outbox.give_back(size)
            if isinstance(error, KafkaError):
                raise self._unsent(topic.name, error, start) from error
            raise
        receipt = Receipt(event, topic.name, future, left_out)
        self._outbox.add(receipt, future, size)
        return receipt

    def _unsent(self, topic: str, error: KafkaError, start: float) -> MooringError:
        if isinstance(error, AuthorizationError | SaslAuthenticationFailedError):
            return BrokerRefused(f"The broker at {self.brokers} refuses access to {topic}: {error}.")
        if isinstance(error, KafkaTimeoutError):
            answered = has_heard_from_broker(self._producer, start)
            return TopicsMissing([topic]) if answered else BrokerUnavailable(self.brokers)
        return NotDelivered(f"Nothing was sent to {topic}: {error}.")


def _close_at_exit(reference: weakref.ref[Mooring]) -> None:
    if (mooring := reference()) is None:
        return
    try:
        mooring.close(_AT_EXIT_TIMEOUT_S)
    except MooringError as error:
        _log.error("%s", error)


def _now() -> int:
    return time.time_ns() // 1_000_000

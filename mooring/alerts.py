"""Drift alerts, as they come: an iterator over the drift-alerts topic."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Literal, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import (
    AuthorizationError,
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    KafkaTimeoutError,
    RebalanceInProgressError,
    SaslAuthenticationFailedError,
)
from kafka.structs import OffsetAndMetadata

from mooring.codec import decode
from mooring.connection import BrokerRefused, forbid_topic_creation, is_old_or_embedded
from mooring.errors import BrokerUnavailable, InvalidEvent, MooringError, TopicsMissing
from mooring.given import Time, epoch_ms
from mooring.outputs import DriftAlert
from mooring.topics import Topic

# Where to start: at what comes from now on, at what is kept, or at a time (epoch ms, or a datetime with a time zone).
Since = Literal["now", "beginning"] | Time

# How long a wait for alerts lasts before `close` is looked at.
_SLICE_MS = 200
# The embedded broker answers a fetch that found nothing only when its time is over, whatever arrives meanwhile.
_EMBEDDED_FETCH_WAIT_MS = 20
_FETCH_WAIT_MS = 500
# It also takes a member that left for one of its group until the session is over; the default is 30 s.
_EMBEDDED_SESSION_MS = 6_000
_SESSION_MS = 45_000
_HEARTBEAT_MS = 2_000
_TOPIC_TIMEOUT_S = 5.0

_log = logging.getLogger(__name__)


class Alerts(Iterator[DriftAlert]):
    """What `Mooring.alerts` returns, which says how it goes. For one thread, but `close` may come from another."""

    def __init__(
        self,
        topic: Topic[DriftAlert],
        settings: Mapping[str, Any],
        brokers: str,
        *,
        group: str | None,
        since: Since | None,
        follow: bool,
        timeout_s: float | None,
    ) -> None:
        if since is None:
            since = "now" if group is None else "beginning"
        if isinstance(since, str) and since not in ("now", "beginning"):
            raise InvalidEvent("since", f"is {since!r}; it can be 'now', 'beginning' or a time")
        if group is not None and not isinstance(since, str):
            raise InvalidEvent("since", "of a group can be 'now' or 'beginning', not a time")
        self._since_ms = 0 if isinstance(since, str) else epoch_ms("since", since)
        self._topic = topic
        self._brokers = brokers
        self._group = group
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._is_closed = threading.Event()
        self._fetched: Iterator[ConsumerRecord] = iter(())
        self._handed_out: ConsumerRecord | None = None
        self._end: dict[TopicPartition, int] | None = None
        self._consumer = self._connect(settings, since)
        try:
            self._start(since, follow=follow)
        except BaseException:
            self._consumer.close()
            raise

    def __next__(self) -> DriftAlert:
        """The next alert; blocks until there is one. Raises BrokerRefused."""
        with self._lock:
            try:
                alert = None if self._is_closed.is_set() else self._next()
            except BaseException:
                # Ctrl-C too: nothing may go on in the background.
                self._disconnect()
                raise
            if alert is None:
                self._disconnect()
                raise StopIteration
            return alert

    def close(self) -> None:
        """End the iteration. The alert handed out last counts as not handled: its position is not committed."""
        self._is_closed.set()
        # While the iterating thread waits for an alert, it sees the event soon and disconnects itself.
        if self._lock.acquire(blocking=False):
            try:
                self._disconnect()
            finally:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _next(self) -> DriftAlert | None:
        self._commit()
        idle_since = time.monotonic()
        while not self._is_closed.is_set():
            for record in self._fetched:
                self._handed_out = record
                if (alert := self._alert(record)) is not None:
                    return alert
            if self._is_at_end():
                return None
            if self._timeout_s is not None and time.monotonic() - idle_since >= self._timeout_s:
                return None
            self._fetched = self._fetch()
        return None

    def _alert(self, record: ConsumerRecord) -> DriftAlert | None:
        if record.timestamp is not None and record.timestamp < self._since_ms:
            return None
        try:
            return decode(record.value, DriftAlert)
        except MooringError as error:
            # An alert that cannot be read must not keep those after it from coming.
            _log.warning("Alert at %s/%d/%d passed over: %s", record.topic, record.partition, record.offset, error)
            return None

    def _fetch(self) -> Iterator[ConsumerRecord]:
        try:
            batches = self._consumer.poll(timeout_ms=_SLICE_MS)
        except (AuthorizationError, SaslAuthenticationFailedError) as error:
            raise BrokerRefused(f"The broker at {self._brokers} refuses access to the alerts: {error}.") from error
        return iter([record for records in batches.values() for record in records])

    def _is_at_end(self) -> bool:
        """Whether everything is read that was there at the start. Of a group, that lies in its part of the topic."""
        if self._end is None:
            return False
        mine = self._consumer.assignment()
        if self._group is not None and not mine:
            return False
        return all(self._consumer.position(part) >= self._end.get(part, 0) for part in mine)

    def _commit(self) -> None:
        record, self._handed_out = self._handed_out, None
        if record is None or self._group is None:
            return
        part = TopicPartition(record.topic, record.partition)
        try:
            self._consumer.commit({part: OffsetAndMetadata(record.offset + 1, "", -1)})
        except (CommitFailedError, RebalanceInProgressError, IllegalStateError, KafkaTimeoutError) as error:
            # The partition has moved to another member, which gets the alert again: at least once.
            _log.info("Position after alert %s/%d/%d not kept: %s", *part, record.offset, error)

    def _connect(self, settings: Mapping[str, Any], since: Since) -> KafkaConsumer:
        is_embedded = is_old_or_embedded(settings)
        try:
            consumer = KafkaConsumer(
                **settings,
                group_id=self._group,
                enable_auto_commit=False,
                auto_offset_reset="latest" if since == "now" else "earliest",
                fetch_max_wait_ms=_EMBEDDED_FETCH_WAIT_MS if is_embedded else _FETCH_WAIT_MS,
                session_timeout_ms=_EMBEDDED_SESSION_MS if is_embedded else _SESSION_MS,
                heartbeat_interval_ms=_HEARTBEAT_MS,
            )
        except KafkaTimeoutError as error:
            raise BrokerUnavailable(self._brokers) from error
        except KafkaError as error:
            raise BrokerRefused(f"The broker at {self._brokers} refuses the connection: {error}.") from error
        forbid_topic_creation(consumer)
        return consumer

    def _start(self, since: Since, *, follow: bool) -> None:
        parts = self._partitions()
        if not follow:
            self._end = self._consumer.end_offsets(parts)
        if self._group is not None:
            self._consumer.subscribe([self._topic.name])
            return
        self._consumer.assign(parts)
        if since == "now":
            ends = self._consumer.end_offsets(parts)
        else:
            ends = {}
            self._consumer.seek_to_beginning(*parts)
        # Now, and not at the first `next`: an alert that comes in between is one from now on.
        for part, end in ends.items():
            self._consumer.seek(part, end)
        if self._since_ms:
            found = self._consumer.offsets_for_times(dict.fromkeys(parts, self._since_ms))
            for part, place in found.items():
                # Without a place: nothing is that new, or the embedded broker cannot tell; `_alert` then passes over.
                if place is not None:
                    self._consumer.seek(part, place.offset)

    def _partitions(self) -> list[TopicPartition]:
        deadline = time.monotonic() + _TOPIC_TIMEOUT_S
        while time.monotonic() < deadline:
            if found := self._consumer.partitions_for_topic(self._topic.name):
                return [TopicPartition(self._topic.name, number) for number in sorted(found)]
            time.sleep(0.1)
        raise TopicsMissing([self._topic.name])

    def _disconnect(self) -> None:
        self._is_closed.set()
        self._consumer.close(autocommit=False)

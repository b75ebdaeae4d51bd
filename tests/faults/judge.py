"""The judge: reads all that went in and all that came out, and says what is lost, wrong, or there once too often.

Partition by partition, since all of a project lies in the partition of one number. Nothing of the product but its codec
takes part; what is demanded is the oracle's (`expected.py`).
"""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from mooring.codec import decode
from mooring.events import Event
from mooring.outputs import (
    DeadLetter,
    DriftAlert,
    EvaluationOutcome,
    ModelActivation,
    StoreSettings,
    VersionMetrics,
    letter_id,
)
from mooring.topics import Topics
from tests.faults.events import SECRET_MARK
from tests.faults.expected import DemandedOutcome, Expected, Race, expect
from tests.faults.load import BAD_HEADER, Committed
from tests.faults.records import Isolation, Reader, Record
from tests.streams import oracle

_LISTED = 5


@dataclass
class Report:
    """What the judge found. The lists have a sentence for each thing that is wrong; all must be empty."""

    events: int = 0
    versions: int = 0
    alerts_demanded: int = 0
    alerts_found: int = 0
    repeats: int = 0  # alerts, over the first of each id
    outcomes_repeated: int = 0
    letters_repeated: int = 0
    letters: int = 0
    lost: list[str] = field(default_factory=list)
    not_demanded: list[str] = field(default_factory=list)
    wrong_alerts: list[str] = field(default_factory=list)
    repeats_that_differ: list[str] = field(default_factory=list)
    differing_rows: list[str] = field(default_factory=list)
    wrong_outcomes: list[str] = field(default_factory=list)
    outcomes_missing: list[str] = field(default_factory=list)
    letters_missing: list[str] = field(default_factory=list)
    wrong_letters: list[str] = field(default_factory=list)
    secrets_told: list[str] = field(default_factory=list)
    lag: list[str] = field(default_factory=list)
    not_stopped: list[str] = field(default_factory=list)

    @property
    def faults(self) -> dict[str, list[str]]:
        """All that is wrong, by kind."""
        lists = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: found for name, found in lists.items() if isinstance(found, list) and found}

    def __str__(self) -> str:
        lines = [
            f"{self.events} events, {self.versions} versions; alerts: {self.alerts_demanded} demanded, "
            f"{self.alerts_found} found, {self.repeats} repeats; outcomes repeated {self.outcomes_repeated}; "
            f"{self.letters} dead letters, repeated {self.letters_repeated}"
        ]
        for name, found in self.faults.items():
            more = [f"… and {len(found) - _LISTED} more"] if len(found) > _LISTED else []
            lines += [
                f"{name.replace('_', ' ')}: {len(found)}",
                *(f"  {one:.500}" for one in [*found[:_LISTED], *more]),
            ]
        return "\n".join(lines)


def judge(brokers: str, topics: Topics, isolation: Isolation = "read_committed") -> Report:
    """Judge everything in the topics. To be called when the workers have settled. `isolation`: how they read."""
    report = Report()
    ends: dict[tuple[str, int], int] = {}
    with Reader(brokers, isolation) as reader, Reader(brokers) as output_reader:
        for partition in range(reader.partitions(topics.model_builds.name)):
            read = reader.read([topic.name for topic in topics.inputs], partition)
            inputs = [record for records in read.values() for record in records]
            report.events += len(inputs)
            for topic, records in read.items():
                if records:
                    ends[topic, partition] = records[-1].offset + 1
            outputs = output_reader.read([topic.name for topic in topics.outputs], partition)
            _Partition(topics, partition, inputs, outputs, report).judge()
    committed = Committed(brokers, topics)
    try:
        behind = committed.behind(ends)
    finally:
        committed.close()
    report.lag = [f"{topic}/{number}: short by {by} of {ends[topic, number]}" for (topic, number), by in behind.items()]
    return report


class _Partition:
    """One partition of all topics."""

    def __init__(
        self,
        topics: Topics,
        partition: int,
        inputs: Sequence[Record],
        outputs: Mapping[str, Sequence[Record]],
        report: Report,
    ) -> None:
        self._topics = topics
        self._partition = partition
        self._inputs = inputs
        self._outputs = outputs
        self._report = report
        self._places: dict[str, str] = {}  # of an event, by its id: where it was read first

    def judge(self) -> None:
        types = {topic.name: topic.type for topic in self._topics.inputs}
        events: list[Event] = []
        for record in self._inputs:
            if BAD_HEADER not in record.headers:
                event = decode(record.value, types[record.topic])
                self._places.setdefault(event.event_id, record.place)
                events.append(event)
        expected = expect(events)
        self._judge_alerts(expected)
        self._judge_outcomes(expected.outcomes)
        self._judge_table(self._topics.version_metrics.name, VersionMetrics, expected.rows)
        self._judge_table(self._topics.store_settings.name, StoreSettings, expected.stores)
        self._judge_table(self._topics.model_activations.name, ModelActivation, expected.activations)
        self._judge_letters()
        self._report.versions += len(expected.rows)
        self._report.secrets_told += [
            f"{record.place}: {record.value!r:.300}"
            for records in self._outputs.values()
            for record in records
            if record.value is not None and SECRET_MARK in record.value
        ]

    # Alerts

    def _judge_alerts(self, expected: Expected) -> None:
        report = self._report
        found: dict[str, list[Record]] = defaultdict(list)
        contents: dict[str, dict[str, Any]] = {}
        for record in self._outputs[self._topics.drift_alerts.name]:
            alert = oracle.rounded(decode(record.value, DriftAlert).to_record())
            found[alert["alert_id"]].append(record)
            contents.setdefault(alert["alert_id"], alert)
            if record.key != alert["version_key"].encode() or not alert["reason"]:
                report.wrong_alerts.append(f"{record.place}: key {record.key!r}, reason {alert['reason']!r}")
        report.alerts_found += len(found)
        report.repeats += sum(len(records) - 1 for records in found.values())
        report.alerts_demanded += len(expected.alerts)
        for alert_id, demanded in expected.alerts.items():
            if alert_id not in found:
                report.lost.append(f"{demanded.content['version_key']} by {self._place(demanded.cause.event_id)}")
                continue
            self._compare(found[alert_id][0].place, contents[alert_id], demanded.content, report.wrong_alerts)
            if len({(record.key, record.value) for record in found[alert_id]}) > 1:
                places = [record.place for record in found[alert_id]]
                report.repeats_that_differ.append(f"{demanded.content['version_key']}: {places}")
        racing: set[str] = set()
        for race in expected.races:
            self._judge_race(race, found, contents)
            racing |= race.allowed.keys()
        report.not_demanded += [
            f"{records[0].place}: {contents[alert_id]['version_key']} by {self._place(contents[alert_id]['caused_by'])}"
            for alert_id, records in found.items()
            if alert_id not in expected.alerts and alert_id not in racing
        ]

    def _judge_race(self, race: Race, found: Mapping[str, list[Record]], contents: Mapping[str, Any]) -> None:
        """All alerts of some order must be there; each that is there must be one of some order."""
        if not any(order.keys() <= found.keys() for order in race.orders):
            there = sum(alert_id in found for alert_id in race.allowed)
            self._report.lost.append(f"{race.key}: has {there} alerts, which is less than in any order of its events")
        self._report.alerts_demanded += min(map(len, race.orders))
        for alert_id, allowed in race.allowed.items():
            for record in found.get(alert_id, ()):
                alert = oracle.rounded(decode(record.value, DriftAlert).to_record())
                if not any(all(alert[name] == value for name, value in one.items()) for one in allowed):
                    self._report.wrong_alerts.append(f"{record.place}: {alert} is none of {allowed}")

    # Outcomes

    def _judge_outcomes(self, demanded: Mapping[str, DemandedOutcome]) -> None:
        report = self._report
        found: dict[str, list[EvaluationOutcome]] = defaultdict(list)
        for record in self._outputs[self._topics.evaluation_outcomes.name]:
            outcome = decode(record.value, EvaluationOutcome)
            found[outcome.event_id].append(outcome)
            if outcome.event_id not in demanded:
                report.wrong_outcomes.append(f"{record.place}: of {outcome.event_id}, which is no good evaluation here")
        for event_id, one in demanded.items():
            outcomes = found.get(event_id, [])
            if len(outcomes) < one.records:
                report.outcomes_missing.append(
                    f"{self._place(event_id)}: {len(outcomes)} outcomes of {one.records} records of it"
                )
            report.outcomes_repeated += max(0, len(outcomes) - one.records)
            if outcomes and (why := _wrong(one, outcomes)):
                report.wrong_outcomes.append(f"{self._place(event_id)}: {why}")

    # Tables

    def _judge_table(
        self,
        topic: str,
        kind: type[VersionMetrics | StoreSettings | ModelActivation],
        expected: Mapping[str, dict[str, Any]],
    ) -> None:
        rows = {record.key: record for record in self._outputs[topic] if record.key is not None}
        for key, demanded in expected.items():
            if (record := rows.pop(key.encode(), None)) is None or record.value is None:
                self._report.differing_rows.append(f"{topic}/{self._partition}: {key} is missing")
            else:
                row = decode(record.value, kind).to_record()
                self._compare(f"{record.place}, {key}", row, demanded, self._report.differing_rows)
        self._report.differing_rows += [f"{row.place}: {key!r} should not be" for key, row in rows.items()]

    def _compare(self, where: str, found: dict[str, Any], demanded: dict[str, Any], into: list[str]) -> None:
        pairs = [(name, _in_order(name, found.get(name)), _in_order(name, value)) for name, value in demanded.items()]
        differing = {name: f"{there!r} instead of {due!r}" for name, there, due in pairs if there != due}
        if differing:
            into.append(f"{where}: {differing}")

    # Dead letters

    def _judge_letters(self) -> None:
        report = self._report
        bad = {(record.topic, record.offset): record for record in self._inputs if BAD_HEADER in record.headers}
        found: Counter[tuple[str, int]] = Counter()
        for record in self._outputs[self._topics.dead_letters.name]:
            letter = decode(record.value, DeadLetter)
            at = letter.topic, letter.offset
            found[at] += 1
            if at not in bad or letter.partition != self._partition:
                about = f"{letter.topic}/{letter.partition}@{letter.offset}"
                report.wrong_letters.append(f"{record.place}: of {about}, {letter.reason}: {letter.message}")
            elif why := _wrong_letter(letter, record.key, bad[at]):
                report.wrong_letters.append(f"{record.place}: {why}")
        report.letters += len(found)
        report.letters_repeated += sum(found.values()) - len(found)
        report.letters_missing += [f"{record.place}: {record.headers}" for at, record in bad.items() if at not in found]

    def _place(self, event_id: str) -> str:
        return f"{event_id} at {self._places.get(event_id, 'nowhere in the input of this partition')}"


def _wrong(demanded: DemandedOutcome, outcomes: Iterable[EvaluationOutcome]) -> str:
    """What is wrong with the outcomes of an evaluation; nothing if nothing is."""
    kinds = Counter(str(outcome.outcome) for outcome in outcomes)
    told = {tuple(sorted(outcome.metrics.items())) for outcome in outcomes}
    alerts = {outcome.alert_ids for outcome in outcomes}
    run = demanded.run
    if not demanded.counts:
        return "" if set(kinds) == {"NOT_SYNCED"} and told == {()} and alerts == {()} else f"{dict(kinds)}, not synced"
    if "NOT_SYNCED" in kinds or "UNKNOWN" in kinds or ("CURRENT" in kinds) is not demanded.sets:
        return f"{dict(kinds)}, though it {'sets' if demanded.sets else 'does not set'} a metric"
    if told != {tuple(sorted(run.metrics.items()))}:
        return f"tells {told}, not {run.metrics}"
    if demanded.alert_id is not None and (demanded.alert_id,) not in alerts:
        return f"names the alerts {alerts}, not {demanded.alert_id}"
    return ""


def _wrong_letter(letter: DeadLetter, key: bytes | None, bad: Record) -> str:
    deserved = bad.headers[BAD_HEADER].decode()
    if letter.reason != deserved:
        return f"says {letter.reason} ({letter.message}), deserved was {deserved}"
    if (letter.key, letter.value, letter.headers, key) != (bad.key, bad.value, bad.headers, bad.key):
        return f"does not hold what lies at {bad.place}"
    if letter.letter_id != letter_id(bad.topic, bad.partition, bad.offset):
        return f"its id is not that of {bad.place}"
    return ""


def _in_order(name: str, value: Any) -> Any:
    # Any: a field of a row. These lists are sets.
    return sorted(value, key=lambda one: str(one["event_id"])) if name in ("sources", "lifecycle") and value else value


def told_in(text: str, secrets: Sequence[float]) -> list[str]:
    """The secret values that a text, such as a log, spells out."""
    return [repr(secret) for secret in secrets if repr(secret) in text or struct.pack("<d", secret).hex() in text]

"""Every error that Mooring raises on purpose.

MooringError
├── InvalidEvent            an event breaks a rule; carries field and reason
│   └── InvalidKey          a key's text is not a key
├── InvalidArrays           arrays that no metric can be calculated from (mooring.metrics.evaluation)
├── InvalidFrame            rows that no drift can be calculated from; carries their columns (mooring.drift)
├── InvalidReference        a file that is no reference, or not the one that was saved (mooring.drift)
├── UnreadableValue         bytes that are no event; carries reason
├── InvalidSetting          an environment variable is unknown or has a bad value; carries its name
├── BrokerUnavailable       no Kafka broker answers; carries the address
├── BrokerRefused           a broker answers, but not to us (mooring.connection)
├── TopicsMissing           the broker lacks topics; carries their names
├── NotDelivered            the broker did not acknowledge what was sent
│   └── EventsNotDelivered  the same, with the events (mooring.delivery)
├── ServiceUnavailable      the web service does not answer; carries the address
├── RequestRefused          the web service refused a request; carries status and problem
└── DependencyMissing       an optional package is not installed; names the extra

Each message is a sentence for a person: what is wrong and what to do about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Reason(StrEnum):
    """Why input is refused: the reason codes of dead letters."""

    UNDECODABLE = "undecodable"
    UNKNOWN_SCHEMA = "unknown_schema"
    MISSING_KEY = "missing_key"
    WRONG_KEY = "wrong_key"
    INVALID_FIELD = "invalid_field"
    METRIC_NOT_FINITE = "metric_not_finite"
    METRIC_OUT_OF_RANGE = "metric_out_of_range"
    STORE_OUTSIDE_PROJECT = "store_outside_project"
    DATED_IN_THE_FUTURE = "dated_in_the_future"
    TOO_LARGE = "too_large"
    HANDLER_FAILED = "handler_failed"


class MooringError(Exception):
    """Root of all errors that Mooring raises on purpose."""


class InvalidEvent(MooringError, ValueError):
    """An event breaks a rule of the domain. `field` names the culprit, `reason` is its dead-letter code."""

    def __init__(self, field: str, message: str, reason: Reason = Reason.INVALID_FIELD) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.reason = reason


class InvalidKey(InvalidEvent):
    """A text that should be a key (node/project/…) is not one."""


class UnreadableValue(MooringError, ValueError):
    """Bytes that cannot be read as an event: `undecodable`, or written with a schema that nobody here knows."""

    def __init__(self, message: str, reason: Reason = Reason.UNDECODABLE) -> None:
        super().__init__(message)
        self.reason = reason


class InvalidSetting(MooringError, ValueError):
    """An environment variable is unknown or has a bad value; `variable` names it."""

    def __init__(self, variable: str, message: str) -> None:
        super().__init__(f"{variable} {message}")
        self.variable = variable


class BrokerUnavailable(MooringError):
    """No Kafka broker answers at the address."""

    def __init__(self, brokers: str) -> None:
        super().__init__(
            f"No Kafka broker answers at {brokers}. Is it running, and is the address right (MOORING_BROKERS)?"
        )
        self.brokers = brokers


class TopicsMissing(MooringError):
    """The broker lacks topics that Mooring needs."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"Topics missing: {', '.join(names)}. Create them with `python -m streams topics`.")
        self.names = tuple(names)


class NotDelivered(MooringError):
    """The broker did not acknowledge events that were sent."""


class ServiceUnavailable(MooringError):
    """The web service does not answer at the address."""

    def __init__(self, address: str) -> None:
        super().__init__(f"No Mooring web service answers at {address}. Is `python -m web` running there?")
        self.address = address


class RequestRefused(MooringError):
    """The web service refused a request; `status` is its HTTP status, `problem` its RFC 9457 document."""

    def __init__(self, status: int, problem: dict[str, object]) -> None:
        told = str(problem.get("detail") or problem.get("title") or f"HTTP status {status}")
        known = problem.get("known")
        if isinstance(known, list) and "known are" not in told:
            told = f"{told} Known are {', '.join(map(str, known))}."
        super().__init__(told)
        self.status = status
        self.problem = problem


class DependencyMissing(MooringError, ImportError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed. Install it with: pip install 'mooring[{extra}]'")
        self.package = package
        self.extra = extra

"""The broker that the tests of a module share, and how long they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.brokers import BrokerUnavailable
from tests.faults.broker import FaultyBroker


@dataclass(frozen=True)
class Length:
    """How much of it: short in every run of the tests, long with FAULTS=long in the environment."""

    is_long: bool

    def of(self, short: int, long: int) -> int:
        return long if self.is_long else short


@pytest.fixture(scope="session")
def length() -> Length:
    return Length(os.environ.get("FAULTS") == "long")


@pytest.fixture(scope="module")
def faulty_broker() -> Iterator[FaultyBroker]:
    """Apache Kafka, for the tests of one module: they may stop it, and leave it running."""
    try:
        with FaultyBroker() as broker:
            yield broker
    except BrokerUnavailable as missing:
        pytest.skip(str(missing))

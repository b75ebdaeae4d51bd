"""The log while no broker answers: its clients say so many times a second."""

from __future__ import annotations

import logging

from streams.logs import Rarely


def record(name: str, message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, message, args, None)


def test_a_client_says_the_same_once_in_ten_seconds_whatever_its_arguments() -> None:
    now = [0.0]
    rarely = Rarely(every_s=10.0, clock=lambda: now[0])
    said = []
    for tenth in range(250):
        now[0] = tenth / 10
        said.append(rarely.filter(record("aiokafka", "Unable to update metadata from %s", [tenth])))
    assert [tenth for tenth, passed in enumerate(said) if passed] == [0, 100, 200]


def test_another_message_and_another_logger_are_heard() -> None:
    rarely = Rarely(clock=lambda: 0.0)
    assert rarely.filter(record("aiokafka", "one"))
    assert rarely.filter(record("aiokafka", "other"))
    assert rarely.filter(record("aiokafka.consumer", "one"))


def test_the_worker_s_own_lines_are_never_left_out() -> None:
    rarely = Rarely(clock=lambda: 0.0)
    assert all(rarely.filter(record("streams.runtime", "input refused")) for _ in range(3))

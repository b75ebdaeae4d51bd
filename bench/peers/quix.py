"""Quix Streams: state in RocksDB with its changelog topic, alerts to a topic, bytes all the way.

Of what its documentation offers only the commit interval makes it faster. Without compression, without fsync, with
larger write buffers or pipelined writes in RocksDB, with a lingering or a non-idempotent producer it was not.
"""

from __future__ import annotations

from typing import Any

# Installed in the peers' environment only.
from quixstreams import Application, State  # type: ignore[import-not-found, unused-ignore]

from bench.program import Meter, Options, options, say_ready, say_result
from bench.workload import alert_bytes, decode, fold, row_bytes, row_of, validate

# Seconds between checkpoints, 5 by default. With many keys rarer ones are faster by a fifth; 10 and 20 were alike.
# The price, which is not measured here: rows reach the changelog that late, and a crash repeats that much.
_COMMIT_INTERVAL_S = 20.0
_ROW = b"row"  # the name of the only value that the state of a key has


def run(given: Options) -> None:
    meter = Meter()
    rows = 0
    app = Application(
        broker_address=given.brokers,
        consumer_group=given.group,
        auto_offset_reset="earliest",
        state_dir=given.data_dir,
        commit_interval=_COMMIT_INTERVAL_S,
        loglevel="WARNING",
        consumer_poll_timeout=0.1,
    )
    source = app.topic(given.events, key_deserializer="bytes", value_deserializer="bytes")
    alerts = app.topic(given.alerts, key_serializer="bytes", value_serializer="bytes")

    # Any: Quix gives what the topic's deserializers made, here bytes.
    def handle(value: Any, _key: Any, _timestamp: int, _headers: Any, state: State) -> tuple[bytes, ...]:
        nonlocal rows
        if not meter.events:
            meter.begin()
        meter.events += 1
        if meter.events == given.until:
            app.stop()  # after this event; the checkpoint is then committed
        event = decode(value)
        validate(event)
        stored = state.get_bytes(_ROW)
        row, alert = fold(None if stored is None else row_of(stored), event)
        rows += stored is None
        state.set_bytes(_ROW, row_bytes(row))
        if alert is None:
            return ()
        meter.alerts += 1
        return (alert_bytes(alert),)

    # Expanding drops the events without an alert in the same step; a filter would be one more.
    app.dataframe(source).apply(handle, stateful=True, expand=True, metadata=True).to_topic(alerts)
    say_ready()
    app.run()
    say_result(meter.result(rows))


if __name__ == "__main__":
    run(options("Quix Streams with RocksDB."))

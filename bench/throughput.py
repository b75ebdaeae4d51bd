"""How many events a second, by the clock and by the CPU: a contender reads a filled topic from beginning to end."""

from __future__ import annotations

from functools import cache
from random import Random

from bench.contenders import Arena, Contender, ContenderFailed
from bench.fill import fill
from bench.program import Result
from bench.workload import ALERT_EVERY, PARTITIONS, events


def handle(arena: Arena, contender: Contender, keys: int, count: int) -> Result:
    """Let a contender handle that many events (its share of them) over that many keys.

    Raises ContenderFailed where an event, an alert or a row is missing, or an offset is not committed.
    """
    count = int(count * contender.share)
    topic = filled(arena, keys, count)
    with arena.topics() as prefix, arena.running(contender, prefix, until=count, events=topic) as process:
        process.wait_until_ready()
        result = process.result()
        seen = {
            "events": (result.events, count),
            "alerts counted": (result.alerts, count // ALERT_EVERY),
            "alerts in their topic": (arena.count(f"{prefix}alerts"), count // ALERT_EVERY),
            "rows": (result.rows, _distinct(keys, count)),
            "offsets committed": (arena.committed(f"{prefix}bench", topic), count),
        }
    wrong = [
        f"{what}: {there:,} instead of {expected:,}" for what, (there, expected) in seen.items() if there != expected
    ]
    if wrong:
        raise ContenderFailed(f"{contender.title} did not do its work. " + "; ".join(wrong))
    return result


def filled(arena: Arena, keys: int, count: int) -> str:
    """The topic of that many events over that many keys, filled when it is asked for first."""
    topic = f"bench-events-{keys}-{count}"
    if topic not in arena.filled:
        arena.broker.create(topic, partitions=PARTITIONS)
        fill(arena.broker.address, topic, events(count, keys))
        arena.filled.add(topic)
    return topic


@cache
def _distinct(keys: int, count: int) -> int:
    """How many keys occur among the events: the same draw as in `events`."""
    draw = Random(keys)
    return len({draw.randrange(keys) for _ in range(count)})

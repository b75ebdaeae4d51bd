"""The order in which Faust hands over what was fetched: topic after topic, instead of a record of each in turn.

What is fetched together may have been written together: a store's configuration and the first evaluation that it
excludes, a build and its first evaluation. In this order the first is there when the second is handled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP


def topic_after_topic(order: Sequence[str]) -> type[DefaultSchedulingStrategy]:
    """A scheduler for Faust's setting `ConsumerScheduler`: topics in that order, then all others in turn."""
    ranks = {topic: rank for rank, topic in enumerate(order)}

    class TopicAfterTopic(DefaultSchedulingStrategy):
        # Any: aiokafka's records.
        def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
            by_rank: dict[int, dict[TP, list[Any]]] = {}
            for partition, fetched in records.items():
                by_rank.setdefault(ranks.get(partition.topic, len(ranks)), {})[partition] = fetched
            for rank in sorted(by_rank):
                yield from super().iterate(by_rank[rank])

    return TopicAfterTopic

"""A worker whose fetches lose records: `python -m tests.faults.lossy <one in so many> <seed>`.

It is the real worker. Of what a fetch brings, a partition's run is lost at random, as Faust's own consumer loses it
when partitions move: the next fetch reads on behind it.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from random import Random
from typing import Any

from faust.types import TP

from streams.__main__ import app
from streams.engine.consumer import ConsumerThread, Fetched


def lose(one_in: int, seed: int) -> None:
    """Have this process lose one run in so many, those of the tables' topics as well."""
    random = Random(seed)
    original = ConsumerThread._fetch

    async def fetch(self: ConsumerThread, partitions: Collection[TP], timeout_s: float, most: int) -> Fetched:
        fetched = await original(self, partitions, timeout_s, most)
        kept = {partition: run for partition, run in fetched.runs.items() if random.randrange(one_in)}
        for partition in fetched.runs.keys() - kept.keys():
            print("lost a run of", partition, flush=True)
        return fetched._replace(runs=kept)

    # Any: a method is replaced.
    thread: Any = ConsumerThread
    thread._fetch = fetch


if __name__ == "__main__":
    lose(int(sys.argv[1]), int(sys.argv[2]))
    app(["worker"])

"""A version was activated, archived, deployed, or the reverse."""

from __future__ import annotations

from agents.activation import settle_activity
from mooring.events import LifecycleChange
from streams.agent import Agent
from streams.folds import lived
from streams.rows import VersionRow
from streams.tables import Work


def handle(change: LifecycleChange, work: Work) -> None:
    before = work.versions.get(change.version) or VersionRow(change.version)
    after = settle_activity(lived(before, change), change, work)
    if after is not before:
        work.versions.put(change.version, after)


AGENT = Agent("lifecycle", lambda topics: topics.model_lifecycle, handle)

"""An evaluation store was configured: synced or not, and its thresholds, from a moment on."""

from __future__ import annotations

from mooring.events import EvaluationStore
from mooring.outputs import StoreSettings
from streams.agent import Agent
from streams.folds import configured
from streams.tables import Work


def handle(event: EvaluationStore, work: Work) -> None:
    before = work.stores.get(event.store) or StoreSettings(
        store_key=str(event.store), node_id=event.node_id, project_key=event.project_key, store_id=event.store_id
    )
    after = configured(before, event)
    if after is not before:
        work.stores.put(event.store, after)


AGENT = Agent("stores", lambda topics: topics.evaluation_stores, handle)

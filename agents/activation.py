"""Which version of a model is the active one: what builds and life-cycle changes have in common."""

from __future__ import annotations

from mooring.events import LifecycleChange, ModelBuild
from mooring.keys import VersionKey
from streams.folds import activated, with_activity
from streams.rows import VersionRow
from streams.tables import Work


def settle_activity(row: VersionRow, event: ModelBuild | LifecycleChange, work: Work) -> VersionRow:
    """The event's version, active or not, once its model's newest activation takes the event in.

    The version that the event takes the activity from is changed in `work`.
    """
    model = event.version.model
    before = work.models.get(model)
    after = activated(before, event)
    if after is not None and after is not before:
        work.models.put(model, after)
    if before is not None and after is not before and before.version_id != row.key.version_id:
        left = VersionKey(model.node_id, model.project_key, model.model_id, before.version_id)
        if (other := work.versions.get(left)) is not None:
            work.versions.put(left, with_activity(other, after))
    return with_activity(row, after)

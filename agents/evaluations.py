"""An evaluation ran: the version's current metrics, an outcome, and an alert where a watched metric changed."""

from __future__ import annotations

from mooring.events import EvaluationRun
from streams.agent import Agent
from streams.decisions import alerts_after_evaluation, not_synced, outcome_of
from streams.folds import counted, counts, in_force
from streams.rows import VersionRow
from streams.tables import Work


def handle(evaluation: EvaluationRun, work: Work) -> None:
    store = in_force(work.stores.get(evaluation.store), evaluation.evaluated_at)
    if not counts(evaluation, store):
        work.publish(work.topics.evaluation_outcomes, not_synced(evaluation))
        return
    version = evaluation.version
    before = work.versions.get(version) or VersionRow(version)
    after = counted(before, evaluation, store)
    alerts = alerts_after_evaluation(before, after, evaluation, work.policy)
    work.publish(work.topics.drift_alerts, *alerts)
    work.publish(work.topics.evaluation_outcomes, outcome_of(before, after, evaluation, alerts))
    if after is not before:
        work.versions.put(version, after)


AGENT = Agent("evaluations", lambda topics: topics.evaluation_runs, handle)

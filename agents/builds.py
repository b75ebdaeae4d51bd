"""A model version was built: its initial metrics, and its activation if the build activates it."""

from __future__ import annotations

from agents.activation import settle_activity
from mooring.events import ModelBuild
from streams.agent import Agent
from streams.decisions import alerts_after_build
from streams.folds import built
from streams.rows import VersionRow
from streams.tables import Work


def handle(build: ModelBuild, work: Work) -> None:
    before = work.versions.get(build.version) or VersionRow(build.version)
    after = settle_activity(built(before, build), build, work)
    work.publish(work.topics.drift_alerts, *alerts_after_build(before, after, work.policy))
    if after is not before:
        work.versions.put(build.version, after)


AGENT = Agent("builds", lambda topics: topics.model_builds, handle)

"""The agents, one a file: each folds one kind of event into the tables and says what is to be published."""

from agents import builds, evaluations, lifecycle, stores

# Registered by `streams.app.build_app`, by name and in this order.
AGENTS = (stores.AGENT, builds.AGENT, lifecycle.AGENT, evaluations.AGENT)

__all__ = ["AGENTS"]

"""What an agent is: a name, the topic that it reads, and a synchronous handler of one event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mooring.events import Event
from mooring.topics import Topic, Topics
from streams.tables import Work

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Agent(Generic[E]):
    """One kind of event and what is to be done with it.

    `handle(event, work)` is called by the runtime, one event of a project at a time. It does no input or output and
    does not wait; it reads and changes rows through `work` and leaves there what is to be published. If it raises,
    nothing of `work` is applied.
    """

    name: str
    topic: Callable[[Topics], Topic[E]]
    handle: Callable[[E, Work], None]


# Any: agents of every event type, side by side.
AnyAgent = Agent[Any]

"""The page of dead letters: what was refused and why, what it holds, and another try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from nicegui import events, run

from mooring.errors import MooringError, Reason
from mooring.outputs import DeadLetter, letter_id
from web.pages import letter_entries
from web.pages.components import Drawn, Json
from web.pages.list_page import Listed, ListPage, ListView
from web.pages.lists import LiveList, address, chips, choice, counted, several, text, toggled
from web.pages.live import Services
from web.seen import Place
from web.writer import NotKept

_REASONS = tuple(Reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterView(ListView):
    """Which dead letters, and the id of the one that is open. What is empty is not in the address."""

    reason: tuple[str, ...] = ()
    topic: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The view that an address asks for; what it does not know is as if it were not there."""
        return cls(opened=text(query, "letter"), reason=several(query, "reason", _REASONS), topic=text(query, "topic"))

    @property
    def query(self) -> str:
        """The query part of the address, with its question mark; empty for the plain view."""
        return address(reason=self.reason, topic=self.topic, letter=self.opened)


class LetterList(LiveList, component="dead_letters.js"):
    """The letters. Events: `open` with an id, `replay` with ids, `more`, `clear`."""


class LetterPanel(Drawn, component="dead_letter.js"):
    """One letter in full. Events: `close`, `open` with the id of another, `replay` with ids."""


class DeadLettersPage(ListPage[LetterView, Listed]):
    """All dead letters, and beside them one in full."""

    path = "/dead-letters"
    heading = "Dead letters"
    step = 100
    most = 1_000

    def __init__(self, services: Services, view: LetterView) -> None:
        super().__init__(services, view)
        # What came of those that were replayed from this page, by letter.
        self._replayed: dict[str, Json] = {}
        self._replaying = False

    def build_list(self) -> LetterList:
        return LetterList().on("replay", self._replay)

    def build_panel(self) -> LetterPanel:
        return LetterPanel().on("open", self.on(self._open)).on("replay", self._replay)

    def parse(self, query: Mapping[str, str]) -> LetterView:
        return LetterView.of(query)

    def read(self, view: LetterView) -> Listed:
        letters = self.services.queries.dead_letters
        topic = (view.topic,) if view.topic else ()
        page = letters.page(reason=view.reason, topic=topic, limit=self._rows)
        counts = letters.counts(topic=topic)
        opened = letters.letter(view.opened) if view.opened else None
        total = sum(count for reason, count in counts.items() if not view.reason or reason in view.reason)
        return Listed(
            filters={
                "label": "Filter the dead letters",
                "chips": [chips("reason", "Reason", letter_entries.reasons(counts, view.reason), view.reason)],
                "choices": [choice("topic", "Topic", view.topic, letters.topics)],
                "total": counted(total, "dead letter"),
            },
            rows=[letter_entries.row(item, self._replayed.get(item.letter_id)) for item in page.items],
            more=page.next_cursor is not None,
            opened={"letter": self._details(opened)} if opened else None,
        )

    def narrowed(self, name: str, value: object) -> LetterView:
        if name == "reason":
            return replace(self.view, reason=toggled(self.view.reason, str(value), _REASONS))
        return replace(self.view, topic=str(value)) if name == "topic" else self.view

    def _details(self, letter: DeadLetter) -> Json:
        plain = self.services.queries.dead_letters.plain(letter)
        return letter_entries.details(letter, plain, self._replayed.get(letter.letter_id))

    # What the reader does

    async def _replay(self, event: events.GenericEventArguments) -> None:
        """Send letters again, one after the other, and tell what came of each. A broker that is away ends it."""
        if self._replaying:
            return
        self._replaying = True
        ids = [str(each) for each in event.args][: self.most]
        try:
            for number, each in enumerate(ids, 1):
                self._progress(f"Replaying {number} of {len(ids)} …" if len(ids) > 1 else "Sending it …")
                told = await self._replay_one(each)
                self._replayed[each] = told
                await self.draw()
                if told["unsent"]:
                    left = len(ids) - number
                    self._progress("", told["text"] + (f" {counted(left, 'letter')} were not tried." if left else ""))
                    return
            # Of the one that is open the panel tells it.
            told_beside = ids == [self.view.opened]
            self._progress("", "" if told_beside else letter_entries.summary([self._replayed[each] for each in ids]))
        finally:
            self._replaying = False

    async def _replay_one(self, each: str) -> Json:
        letters, writer = self.services.queries.dead_letters, self.services.writer
        letter = await run.io_bound(letters.letter, each)
        if letter is None:
            return letter_entries.outcome("failed", "There is no such letter any more.")
        try:
            position = await run.io_bound(writer.replay, letter)
        except NotKept as error:
            return letter_entries.outcome("failed", str(error))
        except MooringError as error:
            return letter_entries.outcome("failed", str(error), unsent=True)
        if position is None:
            return letter_entries.outcome("failed", "The web view is stopping.", unsent=True)
        place = Place.parse(position)
        at = f"It is at offset {place.offset} of {place.topic}, partition {place.partition}, now"
        try:
            handled = await self.services.seen.wait(place)
        except MooringError as error:
            return letter_entries.outcome("waiting", f"{at}. What came of it is not known: {error}")
        if not handled:
            return letter_entries.outcome(
                "waiting",
                f"{at}. No worker has handled it within {self.services.seen.timeout_s:.0f} s. Is one running?",
            )
        again = letter_id(place.topic, place.partition, place.offset)
        refused = await run.io_bound(letters.letter, again)
        if refused is None:
            return letter_entries.outcome("taken", f"{at}, and was accepted.")
        return letter_entries.outcome("refused", f"{at}, and was refused again: {refused.message}", again=again)

    def _progress(self, step: str, result: str = "") -> None:
        self._list.run_method("tell", step, result)
        if self._panel is not None:
            self._panel.run_method("tell", step)

"""The page of dead letters: what was refused and why, what it holds, and another try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from nicegui import events, run, ui

from mooring.errors import MooringError, Reason
from mooring.outputs import DeadLetter, letter_id
from web.pages import letter_entries
from web.pages.components import Drawn, Json
from web.pages.lists import Filters, LiveList, address, chips, choice, counted, several, texts, toggled
from web.pages.live import LivePage, Services
from web.seen import Place
from web.writer import NotKept

_PAGE = 100
_MOST = 1_000
_REASONS = tuple(Reason)
_TEXTS = ("topic", "letter")


@dataclass(frozen=True, slots=True)
class LetterView:
    """Which dead letters, and the id of the one that is open. What is empty is not in the address."""

    reason: tuple[str, ...] = ()
    topic: str = ""
    letter: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The view that an address asks for; what it does not know is as if it were not there."""
        return cls(reason=several(query, "reason", _REASONS), **texts(query, _TEXTS))

    @property
    def query(self) -> str:
        """The query part of the address, with its question mark; empty for the plain view."""
        return address(reason=self.reason, topic=self.topic, letter=self.letter)


@dataclass(frozen=True, slots=True)
class _Shown:
    filters: Json
    rows: list[Json]
    more: bool
    empty: str
    letter: Json | None


class LetterList(LiveList, component="dead_letters.js"):
    """The letters. Events: `open` with an id, `replay` with ids, `more`, `clear`."""


class LetterPanel(Drawn, component="dead_letter.js"):
    """One letter in full. Events: `close`, `open` with the id of another, `replay` with ids."""


class DeadLettersPage(LivePage[LetterView, _Shown]):
    """All dead letters, and beside them one in full."""

    path = "/dead-letters"
    heading = "Dead letters"

    def __init__(self, services: Services, view: LetterView) -> None:
        super().__init__(services, view)
        self._rows = _PAGE
        self._panel: LetterPanel | None = None
        # What came of those that were replayed from this page, by letter.
        self._replayed: dict[str, Json] = {}
        self._replaying = False

    def build(self) -> None:
        with ui.element("div").classes("m-bar"):
            self._filters = Filters()
        with ui.element("main").classes("m-main"):
            self._list = LetterList()
            self._beside = ui.element("div").classes("m-aside")
        self._filters.on("change", self.on(self._filter))
        self._filters.on("clear", self.on(self._clear))
        self._list.on("open", self.on(self._open))
        self._list.on("more", self.on(self._more))
        self._list.on("clear", self.on(self._clear))
        self._list.on("replay", self._replay)

    def parse(self, query: Mapping[str, str]) -> LetterView:
        return LetterView.of(query)

    def read(self, view: LetterView) -> _Shown:
        letters = self.services.queries.dead_letters
        topic = (view.topic,) if view.topic else ()
        page = letters.page(reason=view.reason, topic=topic, limit=self._rows)
        counts = letters.counts(topic=topic)
        opened = letters.letter(view.letter) if view.letter else None
        filtered = bool(view.reason or view.topic)
        total = sum(count for reason, count in counts.items() if not view.reason or reason in view.reason)
        return _Shown(
            filters={
                "label": "Filter the dead letters",
                "chips": [chips("reason", "Reason", letter_entries.reasons(counts, view.reason), view.reason)],
                "choices": [choice("topic", "Topic", view.topic, letters.topics)],
                "filtered": filtered,
                "total": counted(total, "dead letter"),
            },
            rows=[letter_entries.row(item, self._replayed.get(item.letter_id)) for item in page.items],
            more=page.next_cursor is not None and self._rows < _MOST,
            empty="" if page.items else ("filtered" if filtered else "new"),
            letter=None if opened is None else self._details(opened),
        )

    def show(self, view: LetterView, shown: _Shown) -> None:
        self._filters.show(**shown.filters)
        self._list.show_list(
            shown.rows,
            listing=replace(view, letter="").query,
            selected=view.letter,
            more=shown.more,
            empty=shown.empty,
            busy=not self.services.state().caught_up_once,
        )
        if shown.letter is None:
            self._beside.clear()
            self._panel = None
            return
        if self._panel is None:
            with self._beside:
                self._panel = LetterPanel()
            self._panel.on("close", self.on(self._close))
            self._panel.on("open", self.on(self._open))
            self._panel.on("replay", self._replay)
        self._panel.show(letter=shown.letter)

    def _details(self, letter: DeadLetter) -> Json:
        plain = self.services.queries.dead_letters.plain(letter)
        return letter_entries.details(letter, plain, self._replayed.get(letter.letter_id))

    # What the reader does

    def _filter(self, name: str, value: object) -> LetterView:
        self._rows = _PAGE
        if name == "reason":
            return replace(self.view, reason=toggled(self.view.reason, str(value), _REASONS))
        return replace(self.view, topic=str(value)) if name == "topic" else self.view

    def _open(self, letter: str) -> LetterView:
        return replace(self.view, letter=str(letter))

    def _close(self, *_: object) -> LetterView:
        return replace(self.view, letter="")

    def _more(self, *_: object) -> LetterView:
        self._rows = min(self._rows + _PAGE, _MOST)
        return replace(self.view)

    def _clear(self, *_: object) -> LetterView:
        self._rows = _PAGE
        return LetterView(letter=self.view.letter)

    async def _replay(self, event: events.GenericEventArguments) -> None:
        """Send letters again, one after the other, and tell what came of each. A broker that is away ends it."""
        if self._replaying:
            return
        self._replaying = True
        ids = [str(each) for each in event.args][:_MOST]
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
            told_beside = ids == [self.view.letter]
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

"""Picking a version to compare with: those of the same model are offered first, any other is found by search."""

from __future__ import annotations

from collections.abc import Collection

from mooring.errors import InvalidEvent
from mooring.keys import VersionKey
from web.models import Sort, VersionItem
from web.pages import details_entries, display
from web.pages.components import Drawn, Json
from web.queries import Queries
from web.reads.filters import VersionFilter

_OFFERED = 12
_LONGEST = 2_000


class Picker(Drawn, component="picker.js"):
    """A button with a list to pick a version from. Events: `find` with a text or None, `pick` with a version key."""


class Offer:
    """What a picker offers. Nothing is read until the reader has opened it."""

    def __init__(self) -> None:
        self._text: str | None = None

    def find(self, text: str | None) -> None:
        """Offer what fits this text; versions of the same model for an empty one; nothing for None, as it is closed."""
        self._text = None if text is None else str(text)[:_LONGEST]

    def read(self, queries: Queries, of: VersionItem | None, focus: str, taken: Collection[str]) -> Json:
        """What is offered, to be drawn. Blocks. `of`: whose model comes first; `taken`: keys that are not offered."""
        if self._text is None:
            return {"ready": False, "found": []}
        if not self._text and of is not None:
            where = VersionFilter(node=(of.node,), project=(of.project,), model=(of.model,))
            heading, none = "Other versions of this model", "There is none. Search for one of another model."
        else:
            where = VersionFilter(q=self._text or None)
            heading, none = ("Found", "No version matches.") if self._text else ("Newest versions", "There is none.")
        # The active version, and then those that were built last, are what one compares with.
        page = queries.versions.list(where, focus=focus, sort=f"-{Sort.BUILT_AT.value}", limit=_OFFERED + len(taken))
        found = [each for each in page.items if each.version_key not in taken]
        if (exact := _exact(queries, self._text, focus)) is not None and exact.version_key not in taken:
            found = [exact, *(each for each in found if each.version_key != exact.version_key)]
        found.sort(key=lambda each: not each.active)
        return {"ready": True, "heading": heading, "none": none, "found": [_entry(each) for each in found[:_OFFERED]]}


def active_version(queries: Queries, of: VersionItem, focus: str) -> VersionItem | None:
    """The active version of a version's model. Blocks."""
    if of.active:
        return of
    where = VersionFilter(node=(of.node,), project=(of.project,), model=(of.model,), active=True)
    return next(iter(queries.versions.list(where, focus=focus, limit=1).items), None)


def _exact(queries: Queries, text: str, focus: str) -> VersionItem | None:
    try:
        return queries.versions.get(VersionKey.parse(text), focus)
    except InvalidEvent:
        return None


def _entry(version: VersionItem) -> Json:
    return {
        "key": version.version_key,
        "name": display.title(version.version_name, version.version),
        "path": f"{details_entries.path(version)} · {version.node}",
        "active": version.active,
        "value": display.number(version.value, display.decimals_for([version.value])),
    }

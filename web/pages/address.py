"""What the registry page shows, as its address says it: so that a view can be shared and a reload changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Self
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from mooring.errors import InvalidEvent
from mooring.keys import VersionKey
from web.models import ROC_AUC, Sort
from web.pages import columns, filtering
from web.reads.filters import VersionFilter

TABS = ("overview", "metrics", "history", "alerts", "evaluations", "source")
_EVERYTHING = VersionFilter()
_LONGEST = 2_000
# What is not spelled as a text of its own name.
_SPECIAL = ("where", "flat", "columns", "pinned", "wrong")


@dataclass(frozen=True, slots=True)
class View:
    """Focus, filters, order, columns, and the version whose details are open. What is empty is not in the address.

    `flat`: without headings for projects and models, in the order of the hierarchy too. `columns`: what is shown
    beside the name; None: as the page thinks best. `pinned`: how many columns, the name among them, stay in place when
    the others are scrolled. `metric`: what the chart of the details shows; empty: the focus. `wrong`: what the address
    asked for that cannot be, in sentences; no part of the view.
    """

    focus: str = ROC_AUC
    where: VersionFilter = _EVERYTHING
    sort: str = Sort.HIERARCHY.value
    flat: bool = False
    columns: tuple[str, ...] | None = None
    pinned: int = 1
    version: str = ""
    tab: str = TABS[0]
    metric: str = ""
    wrong: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The view that an address asks for; what it does not know, or cannot be, is as if it were not there.

        What cannot be is said in `wrong`.
        """
        pairs = query.multi_items() if isinstance(query, QueryParams) else list(query.items())
        where, wrong = filtering.read(pairs)
        plain = [each.name for each in fields(cls) if each.name not in _SPECIAL]
        found: dict[str, str] = {name: query[name][:_LONGEST] for name in plain if query.get(name)}
        if "sort" in found and found["sort"].removeprefix("-") not in list(Sort):
            wrong.append(f"sort: There is no {found.pop('sort')[:80]!r}; known are {', '.join(Sort)}.")
        if found.get("tab") not in TABS:
            found.pop("tab", None)
        view = cls(**found, where=where, flat=query.get("flat") == "true")  # type: ignore[arg-type]  # texts all
        if query.get("columns"):
            listed, unknown = columns.parse(query["columns"])
            wrong += unknown
            view = replace(view, columns=listed)
        if (pinned := query.get("pin", "")) in {str(number) for number in range(len(columns.COLUMNS) + 1)}:
            view = replace(view, pinned=int(pinned))
        return replace(view, wrong=tuple(wrong))

    @property
    def query(self) -> str:
        """The query part of the address, with its question mark; empty for the plain view."""
        plain = type(self)()
        pairs = []
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name == "where":
                pairs += filtering.spelled(self.where)
            elif (
                each.name == "wrong"
                or value == getattr(plain, each.name)
                or (each.name in ("tab", "metric") and not self.version)
            ):
                continue
            elif each.name == "columns":
                pairs.append(("columns", columns.spelled(self.columns or ())))
            elif each.name == "flat":
                pairs.append(("flat", "true"))
            else:
                pairs.append(("pin" if each.name == "pinned" else each.name, str(value)))
        return f"?{urlencode(pairs, safe=',:/')}" if pairs else ""

    @property
    def list_query(self) -> str:
        """The same without the version whose details are open: what is saved as a view."""
        return replace(self, version="", tab=TABS[0], metric="").query

    @property
    def export_query(self) -> str:
        """The query part of the API's address of the same list: its filters, focus and order."""
        pairs = [("focus", self.focus), *filtering.spelled(self.where), ("sort", self.sort)]
        return f"?{urlencode(pairs, safe=',:/')}"

    @property
    def grouped(self) -> bool:
        """Whether there are headings for projects and models."""
        return not self.flat and self.sort == Sort.HIERARCHY

    @property
    def filtered(self) -> bool:
        return self.where != _EVERYTHING

    @property
    def version_key(self) -> VersionKey | None:
        """The version whose details are open."""
        try:
            return VersionKey.parse(self.version) if self.version else None
        except InvalidEvent:
            return None

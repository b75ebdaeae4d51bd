"""What the registry page shows, as its address says it: so that a view can be shared and a reload changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self
from urllib.parse import urlencode

from mooring.errors import InvalidEvent
from mooring.keys import VersionKey
from web.models import ROC_AUC, Sort
from web.reads.filters import VersionFilter

TABS = ("overview", "metrics", "alerts")


@dataclass(frozen=True, slots=True)
class View:
    """Focus, filters, order, and the version whose details are open. What is empty is not in the address."""

    focus: str = ROC_AUC
    q: str = ""
    node: str = ""
    project: str = ""
    active: bool = False
    sort: str = Sort.HIERARCHY.value
    version: str = ""
    tab: str = TABS[0]

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The view that an address asks for; what it does not know, or cannot be, is as if it were not there."""
        found: dict[str, str | bool] = {
            field.name: query[field.name][:2_000] for field in fields(cls) if query.get(field.name)
        }
        found["active"] = query.get("active") == "true"
        if str(found.get("sort", "")).removeprefix("-") not in list(Sort):
            found.pop("sort", None)
        if found.get("tab") not in TABS:
            found.pop("tab", None)
        return cls(**found)  # type: ignore[arg-type]  # each of its field's type

    @property
    def query(self) -> str:
        """The query part of the address, with its question mark; empty for the plain view."""
        plain = type(self)()
        said = {
            field.name: "true" if field.name == "active" else getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != getattr(plain, field.name)
        }
        if not self.version:
            said.pop("tab", None)
        return f"?{urlencode(said)}" if said else ""

    @property
    def where(self) -> VersionFilter:
        return VersionFilter(
            node=(self.node,) if self.node else (),
            project=(self.project,) if self.project else (),
            active=True if self.active else None,
            q=self.q or None,
        )

    @property
    def filtered(self) -> bool:
        return self.where != VersionFilter()

    @property
    def version_key(self) -> VersionKey | None:
        """The version whose details are open."""
        try:
            return VersionKey.parse(self.version) if self.version else None
        except InvalidEvent:
            return None


def next_sort(column: str, current: str, *, directed: bool) -> str:
    """What a click on a column's heading sorts by: first what matters most, then the reverse, then the hierarchy.

    `directed`: the focus metric gets better one way, so that its drift is sorted by how much worse it is.
    """
    key = "degradation" if column == "drift" and directed else column
    order = [key, f"-{key}"] if column in ("name", "node") else [f"-{key}", key]
    order.append(Sort.HIERARCHY.value)
    return order[(order.index(current) + 1) % 3] if current in order else order[0]

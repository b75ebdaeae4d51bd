"""Which versions are compared and by which metric, as the address says it: so that a comparison can be shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from web.models import ROC_AUC

MOST_VERSIONS = 8
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class CompareView:
    """The versions, in the reader's order and none twice, and the metric of the chart."""

    path: ClassVar[str] = "/compare"

    versions: tuple[str, ...] = ()
    metric: str = ROC_AUC

    def __post_init__(self) -> None:
        kept = tuple(dict.fromkeys(key for key in self.versions if key))[:MOST_VERSIONS]
        object.__setattr__(self, "versions", kept)

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The view that an address asks for: `version` once with commas between the keys, or several times.

        No key has a comma: its parts are percent-encoded.
        """
        given = query.getlist("version") if isinstance(query, QueryParams) else [query.get("version", "")]
        keys = [key.strip()[:_LONGEST] for text in given for key in text.split(",")]
        return cls(tuple(keys), query.get("metric", "")[:_LONGEST] or ROC_AUC)

    @property
    def query(self) -> str:
        """The query part of the address, with its question mark; empty where nothing is compared."""
        said = {}
        if self.versions:
            said["version"] = ",".join(self.versions)
        if self.metric != ROC_AUC:
            said["metric"] = self.metric
        return f"?{urlencode(said, safe='/,:')}" if said else ""

"""Reading the registry over HTTP, from the web view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

import httpx

from mooring.errors import MooringError, RequestRefused, ServiceUnavailable
from mooring.keys import StoreKey, VersionKey, encode_part

if TYPE_CHECKING:
    from mooring.delivery import Position

DEFAULT_URL = "http://127.0.0.1:8080"
PAGE_SIZE = 500

# What the service answers, as it answers it: JSON whose fields may grow.
Item = dict[str, Any]
# One, or a list that stands for any of its values.
Texts = str | Sequence[str]


class VersionFilters(TypedDict, total=False):
    """Which versions: those that all of the filters admit. None is as if it were not given.

    `label`: "name" or "name=value". `value`, `drift`: "code:low..high", the current value or the drift of a metric
    within, a bound left out where there is none; of a list all have to hold. `from_` (included), `to` (not): when it
    was evaluated, epoch ms. `q`: words, or how they begin, in names and ids.
    """

    node: Texts | None
    project: Texts | None
    model: Texts | None
    state: Texts | None
    severity: Texts | None
    algorithm: Texts | None
    prediction_type: Texts | None
    label: Texts | None
    active: bool | None
    archived: bool | None
    from_: int | None
    to: int | None
    value: Texts | None
    drift: Texts | None
    q: str | None


class AlertFilters(TypedDict, total=False):
    """Which alerts. `version`: version keys. `from_` (included), `to` (not): when it was evaluated, epoch ms."""

    version: Texts | None
    node: Texts | None
    project: Texts | None
    severity: Texts | None
    metric: Texts | None
    from_: int | None
    to: int | None


class Registry:
    """The registry behind the web view at a URL. Every method blocks, for at most `timeout_s` a page.

    What comes in pages is an iterator that asks for a page when it needs it. `at_least` is the position of a write, as
    `Receipt.wait` gives it: the answer has what it changed, or is refused with 503 where that takes longer than 5 s.

    Every method raises ServiceUnavailable where nothing answers or what answers is no Mooring, and RequestRefused, with
    the service's problem document, where it refuses.
    """

    def __init__(self, url: str = DEFAULT_URL, *, timeout_s: float = 10.0) -> None:
        self.url = url.rstrip("/")
        try:
            self._http = httpx.Client(base_url=f"{self.url}/api/v1", timeout=timeout_s)
        except httpx.InvalidURL as error:
            raise ServiceUnavailable(url) from error

    def versions(
        self,
        *,
        focus: str | None = None,
        sort: str | None = None,
        trend: int | None = None,
        at_least: Position | str | None = None,
        **filters: Unpack[VersionFilters],
    ) -> Iterator[Item]:
        """The model versions, each with `value`, `initial` and `drift` of the metric to focus (ROC AUC unless given).

        `sort`: a sort key of the service, descending with "-" before it: "-degradation" is worst drift first.
        `trend`: with each, so many values of the metric from its newest evaluations.
        """
        return self._items("/versions", at_least, focus=focus, sort=sort, trend=trend, **filters)

    def version(
        self, key: VersionKey | str, *, focus: str | None = None, at_least: Position | str | None = None
    ) -> Item:
        """One version with all its metrics. `key`: node/project/model/version, each percent-encoded."""
        return self._get(f"/versions/{key}", {"focus": focus, "at_least": _text(at_least)})

    def history(
        self,
        key: VersionKey | str,
        *,
        metric: str | None = None,
        from_: int | None = None,
        to: int | None = None,
        at_least: Position | str | None = None,
    ) -> Iterator[Item]:
        """The counted evaluations of a version, oldest first; with `metric`, those that have it, and only it."""
        return self._items(f"/versions/{key}/history", at_least, metric=metric, from_=from_, to=to)

    def evaluations(
        self,
        key: VersionKey | str,
        *,
        from_: int | None = None,
        to: int | None = None,
        at_least: Position | str | None = None,
    ) -> Iterator[Item]:
        """Every evaluation of a version with its outcome, newest first; those not synced without their values."""
        return self._items(f"/versions/{key}/evaluations", at_least, from_=from_, to=to)

    def models(self, *, at_least: Position | str | None = None, **filters: Unpack[VersionFilters]) -> Iterator[Item]:
        """The models of the versions that the filters admit, each with how many these are."""
        return self._items("/models", at_least, **filters)

    def projects(self, *, at_least: Position | str | None = None) -> Iterator[Item]:
        """The projects of all nodes."""
        return self._items("/projects", at_least)

    def nodes(self, *, at_least: Position | str | None = None) -> Iterator[Item]:
        """The nodes that have reported."""
        return self._items("/nodes", at_least, limit=None)

    def metrics(self, *, at_least: Position | str | None = None) -> Iterator[Item]:
        """The metrics that can be in focus."""
        return self._items("/metrics", at_least, limit=None)

    def alerts(self, *, at_least: Position | str | None = None, **filters: Unpack[AlertFilters]) -> Iterator[Item]:
        """Past drift alerts, newest first."""
        return self._items("/alerts", at_least, **filters)

    def stores(
        self, *, node: Texts | None = None, project: Texts | None = None, at_least: Position | str | None = None
    ) -> Iterator[Item]:
        """The evaluation stores, each with all its configurations."""
        return self._items("/stores", at_least, node=node, project=project)

    def store(self, key: StoreKey | str, *, at_least: Position | str | None = None) -> Item:
        """One evaluation store. `key`: node/project/store, each percent-encoded."""
        return self._get(f"/stores/{key}", {"at_least": _text(at_least)})

    def dead_letters(
        self, *, reason: Texts | None = None, topic: Texts | None = None, at_least: Position | str | None = None
    ) -> Iterator[Item]:
        """What was refused, newest first."""
        return self._items("/dead-letters", at_least, reason=reason, topic=topic)

    def dead_letter(self, letter_id: str, *, at_least: Position | str | None = None) -> Item:
        """One dead letter with what it holds."""
        return self._get(f"/dead-letters/{encode_part(letter_id)}", {"at_least": _text(at_least)})

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Any: filters of every type, as httpx takes them.
    def _items(self, path: str, at_least: Position | str | None, **given: Any) -> Iterator[Item]:
        asked = {"limit": PAGE_SIZE, **given, "at_least": _text(at_least)}
        while True:
            page = self._get(path, asked)
            yield from page["items"]
            if not (cursor := page.get("next_cursor")):
                return
            # What was waited for is here from then on.
            asked = {**asked, "cursor": cursor, "at_least": None}

    def _get(self, path: str, given: Mapping[str, Any]) -> Item:
        asked = {
            name.rstrip("_"): value if isinstance(value, str | int) else list(value)
            for name, value in given.items()
            if value is not None
        }
        if self._http.is_closed:
            raise MooringError("This registry is closed; nothing can be asked of it any more.")
        try:
            answer = self._http.get(path, params=asked)
            document = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise ServiceUnavailable(self.url) from error
        if not isinstance(document, dict):
            raise ServiceUnavailable(self.url)
        if answer.is_success:
            return document
        raise RequestRefused(answer.status_code, document)


def _text(position: Position | str | None) -> str | None:
    return None if position is None else str(position)

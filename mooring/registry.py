"""Reading the registry over HTTP, from the web view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from mooring.errors import RequestRefused, ServiceUnavailable
from mooring.keys import VersionKey

DEFAULT_URL = "http://127.0.0.1:8080"
PAGE_SIZE = 500

# What the service answers, as it answers it: JSON whose fields may grow.
Item = dict[str, Any]
Filter = str | int | bool | list[str]


class Registry:
    """The registry behind the web view at a URL. Every method blocks, for at most `timeout_s` a page.

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
        self, *, focus: str | None = None, sort: str | None = None, **filters: Filter | None
    ) -> Iterator[Item]:
        """The model versions, each with `value`, `initial` and `drift` of the metric to focus (ROC AUC unless given).

        Filters: node, project, model, q, active, severity, state, algorithm; a list stands for any of its values.
        """
        return self._items("/versions", {"focus": focus, "sort": sort, **filters})

    def version(self, key: VersionKey | str) -> Item:
        """One version with all its metrics."""
        found: Item = self._get(f"/versions/{key}", {})
        return found

    def alerts(self, **filters: Filter | None) -> Iterator[Item]:
        """Past drift alerts, newest first. Filters: version, project, severity, metric, from_, to."""
        return self._items("/alerts", filters)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _items(self, path: str, given: Mapping[str, Filter | None]) -> Iterator[Item]:
        asked = {"limit": PAGE_SIZE, **given}
        while True:
            page = self._get(path, asked)
            yield from page["items"]
            if not (cursor := page.get("next_cursor")):
                return
            asked = {**asked, "cursor": cursor}

    def _get(self, path: str, given: Mapping[str, Filter | None]) -> Item:
        asked = {name.rstrip("_"): value for name, value in given.items() if value is not None}
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

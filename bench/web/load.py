"""What is asked of the web view, as readers would, and how long each answer takes, over one connection."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from random import Random
from typing import Any

import httpx

from bench.web.registry import (
    ALGORITHMS,
    BEGAN_AT_MS,
    CODES,
    MODELS_OF_A_PROJECT,
    NODES,
    SUBJECTS,
    TEAMS,
    VERSIONS_OF_A_MODEL,
    key_of,
)
from web.models import Sort

# Any: what a query parameter can be.
Parameters = dict[str, Any]
_DAY_MS = 86_400_000
_SORTS = [sign + key.value for key in Sort for sign in ("", "-")]


class AnswerWrong(Exception):
    """The web view refused what it should answer."""


class Reader:
    """Draws questions for a registry of so many versions, and times the answers in milliseconds."""

    def __init__(self, url: str, versions: int, seed: int = 1) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v1", timeout=60)
        self._versions = versions
        self._random = Random(seed)
        self._filters: tuple[Callable[[], Parameters], ...] = (
            lambda: {"node": f"node-{self._random.randrange(NODES):02}"},
            lambda: {"project": self._key().project_key},
            lambda: {"model": self._key().model_id},
            lambda: {"severity": self._random.choice(["NONE", "INFO", "WARNING", "CRITICAL"])},
            lambda: {"state": self._random.choice(["EVALUATED", "INITIAL", "AWAITING_BUILD"])},
            lambda: {"active": True},
            lambda: {"algorithm": self._random.choice(ALGORITHMS)},
            lambda: {"label": f"team={self._random.choice(TEAMS)}"},
            lambda: {"value": f"{self._random.choice(CODES)}:0.6..0.8"},
            lambda: {"drift": f"{self._random.choice(CODES)}:..-0.02"},
            lambda: {"from": BEGAN_AT_MS + self._random.randrange(90) * _DAY_MS},
            lambda: {"to": BEGAN_AT_MS + self._random.randrange(1, 90) * _DAY_MS},
            lambda: {"q": self._word()},
        )

    def pages(self, count: int, filters: int) -> list[float]:
        """Pages of 50 by any sort key and so many filters; every fourth is the one that follows."""
        took = []
        for number in range(count):
            asked = self._page(filters)
            if number % 4 == 3 and (cursor := self._get("/versions", asked)["next_cursor"]):
                asked["cursor"] = cursor
            took.append(self._timed("/versions", asked))
        return took

    def one(self, count: int) -> list[float]:
        """One version with all its metrics."""
        return [self._timed(f"/versions/{self._key()}", {}) for _ in range(count)]

    def histories(self, count: int) -> list[float]:
        """The first page of a version's history."""
        return [self._timed(f"/versions/{self._key()}/history", {"limit": 50}) for _ in range(count)]

    def searches(self, count: int) -> list[float]:
        """Pages of what one or two words find."""
        words = [" ".join(self._word() for _ in range(self._random.randint(1, 2))) for _ in range(count)]
        return [self._timed("/versions", {"q": each, "limit": 50, "sort": "-degradation"}) for each in words]

    def close(self) -> None:
        self._http.close()

    def _page(self, filters: int) -> Parameters:
        asked: Parameters = {"limit": 50, "sort": self._random.choice(_SORTS), "focus": self._random.choice(CODES)}
        for draw in self._random.sample(self._filters, filters):
            asked |= draw()
        return asked

    def _key(self) -> Any:
        return key_of(self._random.randrange(self._versions))

    def _word(self) -> str:
        key = self._key()
        model = self._versions // VERSIONS_OF_A_MODEL
        choices = (
            self._random.choice(SUBJECTS)[: self._random.randint(2, 6)],
            f"{self._random.randrange(max(1, model)):06}"[: self._random.randint(3, 6)],
            key.project_key[: self._random.randint(8, 13)],
            f"{self._random.randrange(max(1, model // MODELS_OF_A_PROJECT)):05}",
            key.version_id,
            key.node_id,
            self._random.choice(ALGORITHMS).split()[0],
        )
        return self._random.choice(choices)

    def _timed(self, path: str, asked: Parameters) -> float:
        began = time.perf_counter()
        self._get(path, asked)
        return (time.perf_counter() - began) * 1000

    def _get(self, path: str, asked: Parameters) -> dict[str, Any]:
        answer = self._http.get(path, params=asked)
        if answer.status_code != httpx.codes.OK:
            raise AnswerWrong(f"{path} {asked}: {answer.status_code} {answer.text[:500]}")
        found: dict[str, Any] = answer.json()
        return found


def percentile(values: list[float], which: int) -> float:
    """The value that so many percent of the values lie below."""
    return statistics.quantiles(values, n=100)[which - 1]

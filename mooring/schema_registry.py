"""Schemas looked up in a schema registry that speaks Confluent's HTTP interface."""

from __future__ import annotations

import json

import httpx

from mooring.codec import parse
from mooring.errors import Reason, UnreadableValue
from mooring.schema import Schema

_TIMEOUT_S = 5.0


class RegistryUnavailable(OSError):
    """The registry does not answer. An operating-system error: the input is not at fault and is tried again."""


class HttpSchemaRegistry:
    """A registry at a URL. Answers are kept: the schema of an id never changes."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._known: dict[int, Schema] = {}

    def schema(self, schema_id: int) -> Schema:
        """The schema of that id. Blocks for at most five seconds.

        Raises UnreadableValue where the registry has none, RegistryUnavailable where it does not answer.
        """
        if schema_id not in self._known:
            self._known[schema_id] = self._fetch(schema_id)
        return self._known[schema_id]

    def _fetch(self, schema_id: int) -> Schema:
        try:
            answer = httpx.get(f"{self._url}/schemas/ids/{schema_id}", timeout=_TIMEOUT_S)
        except httpx.HTTPError as error:
            raise RegistryUnavailable(f"The schema registry at {self._url} does not answer: {error}.") from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise UnreadableValue(f"The schema registry has no schema {schema_id}.", Reason.UNKNOWN_SCHEMA)
        if not answer.is_success:
            raise RegistryUnavailable(f"The schema registry at {self._url} answers {answer.status_code}.")
        try:
            return parse(json.loads(answer.json()["schema"]))
        except Exception as error:
            raise UnreadableValue(
                f"Schema {schema_id} of the schema registry cannot be parsed: {error}.", Reason.UNKNOWN_SCHEMA
            ) from error

"""The API as tests ask it: what it answers as JSON, and problems as what they are."""

from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

# Any: JSON.
Json = dict[str, Any]


class Api:
    """An app's API, without a server between."""

    def __init__(self, app: FastAPI) -> None:
        self.client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)

    def get(self, path: str, **parameters: str | int | list[str]) -> Json:
        answer = self.client.get(f"/api/v1{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def items(self, path: str, **parameters: str | int | list[str]) -> list[Json]:
        """All items, page by page."""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            page = self.get(path, **parameters, **({"cursor": cursor} if cursor else {}))
            found += page["items"]
            if (cursor := page["next_cursor"]) is None:
                return found
            assert page["items"]

    # Any in both: whatever JSON can spell, well-formed or not.

    def post(self, path: str, document: Any = None) -> Json:
        """What a write that is accepted answers."""
        return _accepted(self.client.post(f"/api/v1{path}", json=document))

    def put(self, path: str, document: Any) -> Json:
        return _accepted(self.client.put(f"/api/v1{path}", json=document))


def problem(answer: Response, status: int, name: str) -> Json:
    """The problem document that the answer has to be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: Json = answer.json()
    assert (found["status"], found["type"]) == (status, f"urn:mooring:problem:{name}")
    assert found["title"]
    assert found["detail"].endswith((".", "!", "?"))
    return found


def _accepted(answer: Response) -> Json:
    assert answer.status_code == 202, answer.text
    found: Json = answer.json()
    return found

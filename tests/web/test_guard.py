"""Who may ask at all: names of this machine on loopback, pages of the same origin, requests of a bounded size."""

import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request, WebSocket
from fastapi.testclient import TestClient
from starlette.responses import JSONResponse, StreamingResponse
from starlette.websockets import WebSocketDisconnect

from tests.web.api.client import problem
from web import problems, server
from web.guard import MAX_BODY_BYTES, Guard

LOCAL, OPEN = "127.0.0.1", "0.0.0.0"


def guarded(host: str, *names: str) -> FastAPI:
    """An app that takes whatever the guard lets through."""
    app = FastAPI()
    problems.add_handlers(app)

    @app.api_route("/", methods=["GET", "HEAD", "POST", "PUT", "DELETE"])
    async def root(request: Request) -> dict[str, int]:
        return {"size": len(await request.body())}

    @app.post("/document")
    async def document(document: dict[str, int]) -> int:
        return len(document)

    @app.post("/tolerant")
    async def tolerant(request: Request) -> JSONResponse:
        """Takes any failure of reading for an empty body."""
        try:
            return JSONResponse(len(await request.body()))
        except Exception:  # noqa: BLE001
            return JSONResponse(0)

    @app.post("/early")
    async def early(request: Request) -> StreamingResponse:
        """Answers before it has read all."""

        async def chunks() -> object:
            yield b"begun"
            async for _ in request.stream():
                pass

        return StreamingResponse(chunks())  # type: ignore[arg-type]  # an async generator is fine

    @app.websocket("/socket")
    async def talk(connection: WebSocket) -> None:
        await connection.accept()
        await connection.send_text("hello")
        await connection.close()

    app.add_middleware(Guard, host=host, names=names)
    return app


@pytest.fixture
def local() -> Iterator[TestClient]:
    with TestClient(guarded(LOCAL), base_url="http://localhost:8080", raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("listens_on", "host", "allowed"),
    [
        (LOCAL, "localhost", True),
        (LOCAL, "LocalHost:8080", True),
        (LOCAL, "127.0.0.1:8080", True),
        (LOCAL, "127.0.0.2", True),
        (LOCAL, "[::1]:8080", True),
        ("localhost", "localhost", True),
        ("::1", "[::1]", True),
        (LOCAL, "evil.example", False),
        (LOCAL, "localhost.evil.example", False),
        (LOCAL, "127.0.0.1.evil.example", False),
        (LOCAL, "192.0.2.7", False),
        (LOCAL, "[", False),
        (LOCAL, "", False),
        (OPEN, "models.example:8080", True),
        (OPEN, "192.0.2.7", True),
    ],
)
def test_on_loopback_only_its_own_names_lead_here(listens_on: str, host: str, allowed: bool) -> None:
    with TestClient(guarded(listens_on)) as client:
        answer = client.get("/", headers={"Host": host})
        if allowed:
            assert answer.status_code == 200
        else:
            problem(answer, 403, "unknown-host")


@pytest.mark.parametrize(
    ("host", "origin", "refused"),
    [
        ("mooring.example", "https://mooring.example", None),
        # A proxy that says another Host than it was asked for.
        ("127.0.0.1:8080", "https://Mooring.example", None),
        ("mooring.example:8443", "https://mooring.example:8443", None),
        ("evil.example", "https://evil.example", "unknown-host"),
        ("mooring.example", "https://evil.example", "other-origin"),
    ],
)
def test_a_proxy_before_it_leads_here_under_its_name(host: str, origin: str, refused: str | None) -> None:
    with TestClient(guarded(LOCAL, "mooring.example")) as client:
        answer = client.post("/", headers={"Host": host, "Origin": origin})
        if refused is None:
            assert answer.status_code == 200
        else:
            problem(answer, 403, refused)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("origin", "same"),
    [
        (None, True),
        ("http://localhost:8080", True),
        ("http://localhost:8081", False),
        ("http://localhost", False),
        ("https://evil.example", False),
        ("null", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_pages_of_other_origins_change_nothing(local: TestClient, method: str, origin: str | None, same: bool) -> None:
    answer = local.request(method, "/", headers={} if origin is None else {"Origin": origin})
    if same or method in ("GET", "HEAD"):
        assert answer.status_code == 200
    else:
        problem(answer, 403, "other-origin")


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "http://localhost:8080"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, False),
    ],
)
def test_pages_of_other_origins_open_no_connection(local: TestClient, headers: dict[str, str], allowed: bool) -> None:
    asked = {"Host": "localhost:8080", **headers}
    if allowed:
        with local.websocket_connect("/socket", headers=asked) as connection:
            assert connection.receive_text() == "hello"
        return
    with pytest.raises(WebSocketDisconnect), local.websocket_connect("/socket", headers=asked):
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The app behind a real server: there, chunks come one by one."""
    bound: socket.socket = server.bind(LOCAL, 0)
    running = uvicorn.Server(uvicorn.Config(guarded(LOCAL), log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=running.run, args=([bound],))
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield server.url(bound)
    running.should_exit = True
    thread.join()


def chunks(size: int) -> Iterator[bytes]:
    """Of a request that does not say how large it is."""
    whole, rest = divmod(size, 65_536)
    yield from [b" " * 65_536] * whole
    yield b" " * rest


@pytest.mark.parametrize("path", ["/", "/document", "/tolerant"])
@pytest.mark.parametrize("says_its_size", [True, False])
def test_a_body_that_is_too_large_is_told_so(url: str, path: str, says_its_size: bool) -> None:
    size = MAX_BODY_BYTES + 1
    content = b" " * size if says_its_size else chunks(size)
    answer = httpx.post(f"{url}{path}", content=content, headers={"Content-Type": "application/json"})
    assert "2,000,000 bytes" in problem(answer, 413, "too-large")["detail"].replace(
        "at most 2,000,000 are", "2,000,000 bytes"
    )


@pytest.mark.parametrize("says_its_size", [True, False])
def test_the_largest_body_that_is_taken(url: str, says_its_size: bool) -> None:
    content = b" " * MAX_BODY_BYTES if says_its_size else chunks(MAX_BODY_BYTES)
    assert httpx.post(url, content=content).json() == {"size": MAX_BODY_BYTES}


def test_an_answer_that_has_begun_is_cut_off(url: str) -> None:
    with httpx.stream("POST", f"{url}/early", content=chunks(2 * MAX_BODY_BYTES)) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.HTTPError):
            answer.read()

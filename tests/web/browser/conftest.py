"""What the tests in a browser share: one web view for the tests of a module, and a tab for each of them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from examples.services import Services
from tests.brokers import Broker
from tests.end_to_end.conftest import provide
from tests.web.feed import Feed
from tests.web.program import WebView
from tests.web.story import Story
from tests.web.tabs import tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def prefix() -> str:
    """The prefix of the module's topics."""
    return f"t{uuid4().hex[:8]}."


@pytest.fixture(scope="module")
def feed(embedded_broker: Broker, prefix: str) -> Feed:
    """Feeds `view`. A module whose tests read the same fills it first, in a fixture of this name."""
    return Feed(embedded_broker, prefix)


@pytest.fixture(scope="module")
def view(
    tmp_path_factory: pytest.TempPathFactory, feed: Feed, embedded_broker: Broker, prefix: str
) -> Iterator[WebView]:
    """The web view. What a test feeds by itself is of a project of its own, and looked at by that."""
    with WebView(tmp_path_factory.mktemp("view"), BROKERS=embedded_broker.address, TOPIC_PREFIX=prefix) as running:
        yield running


@pytest.fixture(scope="module")
def services(embedded_broker: Broker, tmp_path_factory: pytest.TempPathFactory, prefix: str) -> Iterator[Services]:
    """A worker and a web view, where `view` is not enough."""
    provide(embedded_broker, prefix)
    with Services(embedded_broker.address, tmp_path_factory.mktemp("services"), topic_prefix=prefix) as running:
        yield running


@pytest.fixture(scope="module")
def url(view: WebView) -> str:
    """Where `page` looks."""
    return view.url


@pytest.fixture
def page(chromium: "Browser", url: str) -> "Iterator[Page]":
    with tab(chromium, url) as page:
        yield page


@pytest.fixture(params=["dark", "narrow"])
def other_look(request: pytest.FixtureRequest, chromium: "Browser", url: str) -> "Iterator[Page]":
    """A tab like `page`, but in the dark, and then on a narrow screen."""
    with tab(chromium, url, scheme="dark") if request.param == "dark" else tab(chromium, url, width=420) as page:
        yield page


@pytest.fixture
def project() -> str:
    """A project that only this test has."""
    return f"P{uuid4().hex[:8]}"


@pytest.fixture
def story(feed: Feed, project: str) -> Story:
    return Story(feed, project)

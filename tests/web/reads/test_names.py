"""What is suggested for the filters that have names for values."""

import pytest

from tests.web.feed import Written, version
from web.queries import Queries
from web.reads.names import FILTERS, Suggestion


@pytest.fixture(autouse=True)
def names(written: Written) -> None:
    written.write(
        written.topics.version_metrics,
        version("n1/FRAUD/cards/v1", model_name="Card fraud", algorithm="XGBoost", labels={"team": "risk", "gdpr": ""}),
        version(
            "n2/FRAUD/cards/v1", algorithm="Random forest", labels={"team": "growth", "team 2": "x", "100%": "a_b"}
        ),
        version("n2/churn_eu/leavers/v1", labels={"team": "risk"}),
    )


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("node", "", ["n1", "n2"]),
        ("node", "2", ["n2"]),
        ("project", "", ["FRAUD", "churn_eu"]),
        ("project", "fra", ["FRAUD"]),
        # What begins so comes before what only has it.
        ("project", "u", ["FRAUD", "churn_eu"]),
        ("project", "_", ["churn_eu"]),
        ("project", "%", []),
        ("model", "CARD", ["cards"]),
        ("model", "fraud", ["cards"]),
        ("algorithm", "forest", ["Random forest"]),
        ("algorithm", "o", ["Random forest", "XGBoost"]),
        ("label", "", ["100%", "gdpr", "team", "team 2", "100%=a_b", "gdpr=", "team=growth", "team=risk", "team 2=x"]),
        ("label", "team=", ["team=growth", "team=risk"]),
        ("label", "RISK", ["team=risk"]),
        ("label", "!", []),
    ],
)
def test_values_that_have_the_text_in_them_are_suggested(
    queries: Queries, name: str, text: str, found: list[str]
) -> None:
    assert [each.value for each in queries.names.suggest(name, text)] == found


def test_a_model_is_suggested_with_what_it_is_called(queries: Queries) -> None:
    assert queries.names.suggest("model", "card") == [Suggestion("cards", "Card fraud")]


@pytest.mark.parametrize("name", FILTERS)
def test_no_more_are_suggested_than_asked_for(queries: Queries, name: str) -> None:
    assert len(queries.names.suggest(name, limit=1)) == 1
    assert len(queries.names.suggest(name)) > 1


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        ("node", "n1", True),
        ("node", "n", False),
        ("project", "FRAUD", True),
        ("project", "fraud", False),
        ("model", "cards", True),
        ("model", "Card fraud", False),
        ("algorithm", "XGBoost", True),
        ("algorithm", "X", False),
        ("label", "team", True),
        ("label", "team=risk", True),
        ("label", "gdpr=", True),
        ("label", "tea", False),
        ("label", "team=ris", False),
        ("label", "", False),
    ],
)
def test_a_value_is_known_as_it_was_reported(queries: Queries, name: str, value: str, known: bool) -> None:
    assert queries.names.is_known(name, value) is known

"""What the page of stores says of them, and what it takes from its form."""

from collections.abc import Mapping
from typing import Any

import pytest

from mooring.events import Thresholds
from mooring.keys import StoreKey
from web.models import Bounds, ConfigurationItem, StoreItem
from web.pages.store_entries import Standing, bounds_in_words, changes, details, standing
from web.pages.store_form import configuration

KEY = StoreKey("n", "p", "s")
NOW = 100


# Any: fields of any type.
def configured(at: int, *, synced: bool = True, **fields: Any) -> ConfigurationItem:
    given: dict[str, Any] = {
        "event_id": f"at {at}",
        "name": None,
        "recorded_at": at,
        "actor": f"actor {at}",
        "thresholds": {},
    }
    return ConfigurationItem(synced=synced, effective_at=at, **{**given, **fields})


def store(*oldest_first: ConfigurationItem) -> StoreItem:
    in_force = next((one for one in reversed(oldest_first) if one.effective_at <= NOW), None)
    return StoreItem(
        store_key=str(KEY),
        node="n",
        project="p",
        store="s",
        name=None,
        synced=in_force.synced if in_force else True,
        thresholds=in_force.thresholds if in_force else {},
        configurations=list(reversed(oldest_first)),
    )


@pytest.mark.parametrize(
    ("oldest_first", "stands"),
    [
        ([], Standing(synced=True)),
        ([configured(10)], Standing(synced=True)),
        ([configured(10, synced=False)], Standing(False, 10, "actor 10")),
        ([configured(10), configured(20, synced=False), configured(30, synced=False)], Standing(False, 20, "actor 20")),
        ([configured(10, synced=False), configured(20), configured(30)], Standing(True, 20, "actor 20")),
        ([configured(10), configured(500, synced=False)], Standing(synced=True)),
        ([configured(10, synced=False), configured(500)], Standing(False, 10, "actor 10")),
    ],
)
def test_a_store_says_since_when_it_is_synced_or_not(oldest_first: list[ConfigurationItem], stands: Standing) -> None:
    assert standing(store(*oldest_first), NOW) == stands


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (Bounds(min=0.75, soft_min=0.82), "critical below 0.75, warning below 0.82"),
        (Bounds(max=-0.5), "critical above −0.5"),
        (Bounds(min=1, max=2, soft_max=1.5), "critical below 1 or above 2, warning above 1.5"),
        (Bounds(), "no bounds"),
    ],
)
def test_bounds_are_told_in_words(bounds: Bounds, words: str) -> None:
    assert bounds_in_words(bounds) == words


@pytest.mark.parametrize(
    ("before", "one", "told"),
    [
        (None, configured(1), []),
        (None, configured(1, synced=False), ["Opted out of the sync"]),
        (configured(1, synced=False), configured(2), ["Opted in to the sync"]),
        (configured(1), configured(2, name="Weekly"), ["Named Weekly"]),
        (
            configured(1, thresholds={"roc_auc": Bounds(min=0.7), "f1": Bounds(min=0.5), "lift": Bounds(min=1)}),
            configured(2, thresholds={"roc_auc": Bounds(min=0.8), "f1": Bounds(min=0.5)}),
            ["ROC AUC: critical below 0.8", "lift: thresholds removed"],
        ),
    ],
)
def test_the_timeline_says_what_each_configuration_changed(
    before: ConfigurationItem | None, one: ConfigurationItem, told: list[str]
) -> None:
    assert list(changes(one, before, {"roc_auc": "ROC AUC"})) == told


@pytest.mark.parametrize("value", [0.1, 1e-17, 0.1 + 0.2, 1e300, -5.0])
def test_a_bound_that_is_not_touched_is_saved_as_it_was(value: float) -> None:
    shown = details(store(configured(10, thresholds={"roc_auc": Bounds(min=value)})), NOW, {})["thresholds"]
    event, faults = configuration(KEY, form(thresholds=[{"metric": "roc_auc", "min": shown[0]["min"]}]))
    assert faults == {}
    assert event is not None
    assert event.thresholds == {"roc_auc": Thresholds(min=value)}


def test_only_one_configuration_is_in_force_and_one_may_lie_ahead() -> None:
    timeline = details(store(configured(10), configured(20), configured(500)), NOW, {})["timeline"]
    assert [one["when"] for one in timeline] == ["ahead", "now", ""]


def test_a_store_that_was_never_configured_has_no_timeline() -> None:
    assert details(store(), NOW, {})["timeline"] == []


def form(**fields: object) -> Mapping[str, Any]:
    return {"synced": True, "name": "", "actor": "", "effective_at": None, "thresholds": [], **fields}


def test_a_form_is_the_event_that_was_meant() -> None:
    line = {"id": 0, "metric": " roc_auc ", "min": "0.7", "soft_min": "", "soft_max": " ", "max": "1"}
    event, faults = configuration(
        KEY, form(synced=False, name="Weekly", actor=" ada ", effective_at=77, thresholds=[line])
    )
    assert faults == {}
    assert event is not None
    assert (event.store, event.synced, event.name, event.actor, event.effective_at) == (KEY, False, "Weekly", "ada", 77)
    assert event.thresholds == {"roc_auc": Thresholds(min=0.7, max=1.0)}


@pytest.mark.parametrize(
    ("typed", "faults"),
    [
        (
            {"thresholds": [{"metric": "f1", "min": "0.9", "soft_min": "0.8"}]},
            {"thresholds.0": "must be in the order min <= soft_min <= soft_max <= max"},
        ),
        ({"thresholds": [{"metric": "f1", "min": "nan"}]}, {"thresholds.0": "must be finite numbers"}),
        ({"thresholds": [{"metric": "f1", "max": "1e999"}]}, {"thresholds.0": "must be finite numbers"}),
        ({"thresholds": [{"metric": "f1", "max": "much"}]}, {"thresholds.0.max": "'much' is no number."}),
        ({"thresholds": [{"metric": "f1"}]}, {"thresholds.0": "Give at least one bound, or remove the line."}),
        (
            {"thresholds": [{"metric": " ", "min": "1"}]},
            {"thresholds.0.metric": "Say which metric, or remove the line."},
        ),
        (
            {"thresholds": [{"metric": "f1", "min": "0"}, {"metric": "f1", "min": "1"}]},
            dict.fromkeys(("thresholds.0.metric", "thresholds.1.metric"), "This metric is there twice."),
        ),
        (
            {"thresholds": [{"metric": "x" * 300, "min": "0"}]},
            {"thresholds.0.metric": "has 300 bytes; at most 255 are allowed"},
        ),
        ({"actor": "x" * 5_000}, {"actor": "has 5000 bytes; at most 4096 are allowed"}),
        ({"effective_at": -1}, {"effective_at": "is -1; it must be between 0 and 9223372036854775807"}),
        ({"synced": "false"}, {"synced": "must be True or False, not str"}),
    ],
)
def test_what_is_wrong_is_said_at_its_field(typed: dict[str, object], faults: dict[str, str]) -> None:
    assert configuration(KEY, form(**typed)) == (None, faults)

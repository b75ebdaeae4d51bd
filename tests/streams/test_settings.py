"""The worker's settings: from the environment and a `.env` file; what is wrong names its variable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from mooring.environment import KNOWN, PREFIX
from mooring.errors import InvalidSetting
from streams.settings import Settings, read_settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment without settings, in a folder without a `.env` file."""
    for name in os.environ:
        if name.upper().startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_any_setting_the_defaults_of_the_contract_hold() -> None:
    settings = read_settings()
    assert settings.brokers == "localhost:9092"
    assert settings.topic_prefix == "mooring."
    assert settings.watched_metrics == ("roc_auc",)
    assert settings.log_format == "text"
    assert settings.schema_registry_url is None


def test_every_setting_is_a_variable_that_all_programs_know() -> None:
    assert {PREFIX + name.upper() for name in Settings.model_fields} <= KNOWN.keys()


def test_variables_set_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "MOORING_BROKERS": "kafka-1:9092,kafka-2:9092",
        "MOORING_TOPIC_PREFIX": "staging.",
        "MOORING_DATA_DIR": "/data",
        "MOORING_WORKER_HTTP_PORT": "0",
        "MOORING_WATCHED_METRICS": " roc_auc, log_loss ,",
        "MOORING_LOG_FORMAT": "json",
        "MOORING_LOG_LEVEL": "debug",
        "MOORING_PARTITIONS": "4",
        "MOORING_REPLICATION": "3",
        "MOORING_SCHEMA_REGISTRY_URL": "https://registry.example",
    }.items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert settings.brokers == "kafka-1:9092,kafka-2:9092"
    assert settings.topic_prefix == "staging."
    assert settings.data_dir == Path("/data")
    assert settings.worker_http_port == 0
    assert settings.watched_metrics == ("roc_auc", "log_loss")
    assert (settings.log_format, settings.log_level) == ("json", "debug")
    assert (settings.partitions, settings.replication) == (4, 3)
    assert settings.schema_registry_url == "https://registry.example"


def test_a_metric_named_twice_is_watched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each watched metric has its alert: named twice it would have two, with one id."""
    monkeypatch.setenv("MOORING_WATCHED_METRICS", "roc_auc,log_loss,roc_auc")
    assert read_settings().watched_metrics == ("roc_auc", "log_loss")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MOORING_PARTITIONS", "0"),
        ("MOORING_PARTITIONS", "many"),
        ("MOORING_PARTITIONS", ""),
        ("MOORING_REPLICATION", "-1"),
        ("MOORING_WORKER_HTTP_PORT", "65536"),
        ("MOORING_WORKER_HTTP_PORT", "http"),
        ("MOORING_LOG_FORMAT", "xml"),
        ("MOORING_LOG_LEVEL", "loud"),
        ("MOORING_WATCHED_METRICS", "roc_auc," + "m" * 256),
    ],
)
def test_a_bad_value_is_an_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, folder: Path, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSetting, match=f"^{variable} is {value!r}") as caught:
        read_settings()
    assert caught.value.variable == variable
    monkeypatch.delenv(variable)
    (folder / ".env").write_text(f"{variable}={value}\n", encoding="utf-8")
    with pytest.raises(InvalidSetting, match=f"^{variable} ") as caught:
        read_settings()
    assert caught.value.variable == variable


def test_an_unknown_variable_is_an_error_that_names_it_and_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MOORING_BROKER", "localhost:9092")
    with pytest.raises(InvalidSetting, match=r"^MOORING_BROKER .*did you mean MOORING_BROKERS") as caught:
        read_settings()
    assert caught.value.variable == "MOORING_BROKER"


def test_an_unknown_variable_in_the_file_is_an_error_too(folder: Path) -> None:
    (folder / ".env").write_text("MOORING_PARTITION=4\n", encoding="utf-8")
    with pytest.raises(InvalidSetting) as caught:
        read_settings()
    assert caught.value.variable == "MOORING_PARTITION"


def test_the_file_sets_what_the_environment_does_not(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / ".env").write_text("MOORING_PARTITIONS=4\nMOORING_REPLICATION=2\nOTHER=1\n", encoding="utf-8")
    monkeypatch.setenv("MOORING_REPLICATION", "3")
    settings = read_settings()
    assert (settings.partitions, settings.replication) == (4, 3)


def test_settings_of_other_programs_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORING_HTTP_PORT", "9000")
    monkeypatch.setenv("MOORING_NODE", "ci")
    assert read_settings() == Settings()


def test_settings_do_not_change_once_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read_settings().brokers = "elsewhere:9092"  # type: ignore[misc]  # mypy knows as well

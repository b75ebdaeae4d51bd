"""What can be said of the image and the compose file without an engine that runs containers."""

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from mooring.environment import PREFIX
from streams.settings import Settings as WorkerSettings
from tests.brokers import POM, ROOT
from web.settings import Settings as WebSettings

SETTINGS: dict[str, type[BaseSettings]] = {"streams": WorkerSettings, "web": WebSettings}

# Any: the file is whatever YAML it is until the tests below have looked at it.
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service.get("image") == "mooring"]


def test_the_services_are_those_that_the_main_job_needs() -> None:
    assert list(SERVICES) == ["kafka", "topics", "worker", "web"]
    assert OURS == ["topics", "worker", "web"]


def test_kafka_is_the_version_that_the_tests_run_on() -> None:
    version = re.search(r"<kafka\.version>(.+)</kafka\.version>", POM.read_text(encoding="utf-8"))
    assert version is not None
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version[1]}"


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_exists(name: str) -> None:
    python, *rest = SERVICES[name]["command"]
    assert python == "python"
    done = subprocess.run(
        [sys.executable, *rest, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout or "usage" in done.stdout


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_given_settings_that_it_knows_and_takes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings_of(name)
    known = {PREFIX + field.upper() for field in SETTINGS[module_of(name)].model_fields}
    assert set(given) <= known
    for variable, value in given.items():
        assert isinstance(value, str), f"{variable} must be quoted: YAML reads it as {value!r}"
        monkeypatch.setenv(variable, value)
    SETTINGS[module_of(name)](_env_file=None)


@pytest.mark.parametrize(("name", "port_setting"), [("worker", "WORKER_HTTP_PORT"), ("web", "HTTP_PORT")])
def test_ports_and_health_checks_meet_the_settings(name: str, port_setting: str) -> None:
    given = settings_of(name)
    port = given[PREFIX + port_setting]
    assert given[PREFIX + port_setting.replace("PORT", "HOST")] == "0.0.0.0"  # within the container
    assert SERVICES[name]["ports"] == [f"127.0.0.1:{port}:{port}"]
    program, *arguments = SERVICES[name]["healthcheck"]["test"][1:]
    assert program == "python"
    compile(arguments[-1], "healthcheck", "exec")
    assert f"http://127.0.0.1:{port}/health/ready" in arguments[-1]


def test_everything_is_published_on_this_machine_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == 3
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_services_reach_kafka_where_it_listens_for_them() -> None:
    kafka = SERVICES["kafka"]["environment"]
    inside = re.search(r"INSIDE://(kafka:\d+)", kafka["KAFKA_ADVERTISED_LISTENERS"])
    assert inside is not None
    assert {settings_of(name)["MOORING_BROKERS"] for name in OURS} == {inside[1]}
    # What a pipeline on this machine finds without settings.
    assert f"OUTSIDE://{WorkerSettings.model_fields['brokers'].default}" in kafka["KAFKA_ADVERTISED_LISTENERS"]


def test_what_must_outlive_a_container_is_in_a_volume() -> None:
    mounted = {
        name: dict(reversed(volume.split(":")) for volume in service["volumes"])
        for name, service in SERVICES.items()
        if "volumes" in service
    }
    assert SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"] in mounted["kafka"]
    for name in ("worker", "web"):
        assert settings_of(name)["MOORING_DATA_DIR"] in mounted[name]
    assert {volume for volumes in mounted.values() for volume in volumes.values()} == set(COMPOSE["volumes"])


# The image


def test_the_image_copies_what_there_is() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for source in copied():
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored, f".dockerignore keeps {source} out"


def test_the_image_has_every_package_that_the_service_imports() -> None:
    assert {"schemas", "mooring", "streams", "agents", "web", "requirements.txt"} <= set(copied())


def test_the_image_runs_as_nobody_special_on_the_oldest_python_that_is_allowed() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert {line.split()[1] for line in lines if line.startswith("FROM")} == {"python:3.11-slim"}
    assert "USER mooring" in lines
    assert any("--require-hashes -r requirements.txt" in line for line in lines)


def copied() -> Iterator[str]:
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY ") and "--from=" not in line:
            yield from (source for source in line.split()[1:-1])


def module_of(name: str) -> str:
    """The package behind `python -m <package>`."""
    command: list[str] = SERVICES[name]["command"]
    return command[command.index("-m") + 1]


def settings_of(name: str) -> dict[str, str]:
    environment: dict[str, str] = SERVICES[name]["environment"]
    return environment

"""What a pipeline installs: the wheel alone, with the newest and with the oldest dependencies it allows."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from tests.brokers import PARTITIONS, ROOT, Broker

REQUIREMENTS = sorted(ROOT.glob("requirements*.txt"))
SERVICE_ONLY = {"faust", "mode", "aiokafka", "fastapi", "nicegui", "sqlitedict"}
EXTRAS_ONLY = {"sklearn", "scipy", "numpy", "pandas", "polars", "narwhals"}

REPORT = """
import sys
from mooring import Mooring
with Mooring(sys.argv[1], node="ci", project="P", topic_prefix=sys.argv[2]) as mooring:
    mooring.model_built(model="m", version="1", prediction_type="BINARY", metrics={"roc_auc": 0.8})
"""
COMPARE = """
from mooring.drift import Reference
rows = {"age": [20, 30, 40] * 50, "region": ["north", "south", None] * 50}
print(Reference.fit(rows).compare(rows).summary())
"""
CALCULATE = """
import sys
from mooring import Mooring
with Mooring(sys.argv[1], node="ci", project="P", topic_prefix=sys.argv[2]) as mooring:
    labels, scores = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
    mooring.model_built(model="m", version="1", prediction_type="BINARY", y_true=labels, y_score=scores)
"""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", str(folder), "-t", "wheel", "-t", "sdist", cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (wheel,) = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="module", params=["newest", "oldest"])
def python(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel and nothing else of Mooring."""
    if request.param == "oldest" and sys.version_info >= (3, 13):
        pytest.skip("the oldest numpy and scikit-learn that the wheel allows have no wheels for this Python")
    python = tmp_path_factory.mktemp(request.param) / "bin" / "python"
    run(sys.executable, "-m", "venv", str(python.parent.parent))
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    if request.param == "oldest":
        run(*pip, "--require-hashes", "-r", str(ROOT / "requirements-oldest.txt"))
        run(*pip, "--no-deps", str(wheel))
    else:
        run(*pip, str(wheel))
    return python


def test_the_wheel_holds_the_library_and_its_schemas_only(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"mooring", "mooring-0.1.0.dist-info"}
    assert {name for name in names if name.endswith(".avsc")} == {
        f"mooring/{path.relative_to(ROOT)}" for path in (ROOT / "schemas").rglob("*.avsc")
    }
    assert {name for name in names if name.endswith(".py")} == {
        str(path.relative_to(ROOT)) for path in (ROOT / "mooring").rglob("*.py")
    }


def test_a_wheel_made_of_the_sdist_is_the_same(dist: Path, wheel: Path, tmp_path: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    run(sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path / "dist"), "-t", "wheel", cwd=unpacked)
    (again,) = (tmp_path / "dist").glob("*.whl")
    assert sorted(zipfile.ZipFile(again).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


@pytest.mark.timeout(600)  # the first test of each environment installs it
def test_importing_it_loads_nothing_of_the_service(python: Path, tmp_path: Path) -> None:
    loaded = run(str(python), "-c", "import mooring, sys; print(*sys.modules)", cwd=tmp_path).split()
    assert "mooring" in loaded
    assert not (SERVICE_ONLY | EXTRAS_ONLY) & set(loaded)


@pytest.mark.timeout(600)
def test_it_reports_an_event(python: Path, embedded_broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    topic = f"{topic_prefix}model-builds"
    embedded_broker.create(topic)
    run(str(python), "-c", REPORT, embedded_broker.address, topic_prefix, cwd=tmp_path)
    (record,) = read(embedded_broker, topic)
    assert record.key == b"ci/P"
    assert record.value[:2] == b"\xc3\x01"


@pytest.mark.timeout(600)
def test_it_calculates_metrics_or_says_what_is_missing(
    python: Path, embedded_broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    embedded_broker.create(f"{topic_prefix}model-builds")
    command = [str(python), "-c", CALCULATE, embedded_broker.address, topic_prefix]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if subprocess.run([str(python), "-c", "import sklearn"], capture_output=True, check=False).returncode == 0:
        assert done.returncode == 0, done.stderr
        assert read(embedded_broker, f"{topic_prefix}model-builds")
    else:
        assert "mooring[sklearn]" in done.stderr


@pytest.mark.timeout(600)
def test_it_compares_rows_or_says_what_is_missing(python: Path, tmp_path: Path) -> None:
    done = subprocess.run([str(python), "-c", COMPARE], cwd=tmp_path, capture_output=True, text=True, check=False)
    if subprocess.run([str(python), "-c", "import narwhals"], capture_output=True, check=False).returncode == 0:
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("Data drift 0.")
    else:
        assert "mooring[drift]" in done.stderr


@pytest.mark.timeout(600)
def test_its_command_answers(python: Path, tmp_path: Path) -> None:
    assert "evaluation" in run(str(python.parent / "mooring"), "--help", cwd=tmp_path)


# The pinned requirements


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_requirement_is_pinned_and_hashed_without_an_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--index|--extra-index|--find-links|--trusted)", text, re.MULTILINE)
    pinned = list(requirements(path))
    assert len(pinned) > 10
    for requirement in pinned:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,-]+\])?==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement


def test_the_service_runs_on_the_versions_that_the_tests_ran_on() -> None:
    service, dev = (set(requirements(ROOT / f"requirements{name}.txt")) for name in ("", "-dev"))
    assert {line for line in service - dev if "sys_platform" not in line} == set()


def test_the_oldest_requirements_are_the_lower_bounds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = {
        line.split("==")[0]: line.split("==")[1].split()[0] for line in requirements(ROOT / "requirements-oldest.txt")
    }
    extras = project["optional-dependencies"]
    for bound in project["dependencies"] + extras["sklearn"] + extras["drift"]:
        name, version = bound.split(">=")
        assert oldest[name].startswith(version), f"{bound}: make lock"


def requirements(path: Path) -> Iterator[str]:
    """The requirements of a file, each on one line."""
    for line in path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if line and not line.lstrip().startswith("#"):
            yield " ".join(line.split())


def read(broker: Broker, topic: str) -> list[ConsumerRecord]:
    consumer = KafkaConsumer(bootstrap_servers=broker.address, auto_offset_reset="earliest", api_version=(2, 3))
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in range(PARTITIONS)])
        return [record for batch in consumer.poll(timeout_ms=10_000).values() for record in batch]
    finally:
        consumer.close()


def run(*command: str, cwd: Path | None = None) -> str:
    """What a program prints; fails the test with what it said if it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout

"""The environment: `MOORING_*` variables, from the process and a `.env` file, and no others."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from mooring.environment import KNOWN, refuse_unknown, variables
from mooring.errors import InvalidSetting
from tests.brokers import ROOT


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_only_variables_of_mooring_are_read(dotenv: Path) -> None:
    dotenv.write_text("HOME=/nowhere\nMOORING_PROJECT=COUPONS\n", encoding="utf-8")
    found = variables({"MOORING_NODE": "ci", "PATH": "/bin", "mooring_url": "x"}, dotenv)
    assert found == {"MOORING_NODE": "ci", "MOORING_PROJECT": "COUPONS"}


def test_without_a_file_the_environment_is_all_there_is(dotenv: Path) -> None:
    assert variables({"MOORING_NODE": "ci"}, dotenv) == {"MOORING_NODE": "ci"}
    assert variables({}, dotenv.parent) == {}


def test_the_environment_comes_before_the_file(dotenv: Path) -> None:
    dotenv.write_text("MOORING_NODE=file\nMOORING_PROJECT=file\n", encoding="utf-8")
    assert variables({"MOORING_NODE": "process"}, dotenv) == {"MOORING_NODE": "process", "MOORING_PROJECT": "file"}


def test_unless_told_otherwise_the_process_s_own_environment_and_folder_are_read(
    monkeypatch: pytest.MonkeyPatch, dotenv: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("MOORING_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MOORING_NODE", "ci")
    monkeypatch.chdir(dotenv.parent)
    dotenv.write_text("MOORING_PROJECT=COUPONS\n", encoding="utf-8")
    assert variables() == {"MOORING_NODE": "ci", "MOORING_PROJECT": "COUPONS"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("MOORING_NODE=ci", "ci"),
        ("MOORING_NODE = ci ", "ci"),
        ('MOORING_NODE="the ci"', "the ci"),
        ("MOORING_NODE='ci'", "ci"),
        ("export MOORING_NODE=ci", "ci"),
        ("  MOORING_NODE=ci", "ci"),
        ("MOORING_NODE=a=b", "a=b"),
        ("MOORING_NODE=", ""),
        ("MOORING_NODE=nœud", "nœud"),
    ],
)
def test_lines_of_the_file(dotenv: Path, line: str, expected: str) -> None:
    dotenv.write_text(f"# MOORING_NO_SETTING=1\n\n{line}\n", encoding="utf-8")
    assert variables({}, dotenv) == {"MOORING_NODE": expected}


@pytest.mark.parametrize("where", ["environment", "file"])
def test_an_unknown_name_is_an_error_wherever_it_stands(dotenv: Path, where: str) -> None:
    name = "MOORING_TOPICS_PREFIX"
    if where == "file":
        dotenv.write_text(f"{name}=x\n", encoding="utf-8")
    with pytest.raises(InvalidSetting, match=f"^{name} is no setting.*did you mean MOORING_TOPIC_PREFIX") as caught:
        variables({name: "x"} if where == "environment" else {}, dotenv)
    assert caught.value.variable == name


def test_an_unknown_name_like_no_other_is_answered_with_all_that_are_known() -> None:
    with pytest.raises(InvalidSetting) as caught:
        refuse_unknown(["MOORING_NODE", "MOORING_XYZZY_QUUX_FROBNICATE"])
    assert all(name in str(caught.value) for name in KNOWN)


def test_the_value_of_an_unknown_name_is_not_repeated() -> None:
    """It may be a secret that was meant for another program."""
    with pytest.raises(InvalidSetting) as caught:
        variables({"MOORING_PASSWORD": "hunter2"}, Path("none"))
    assert "hunter2" not in str(caught.value)


def test_every_variable_that_the_code_names_is_known() -> None:
    """A message that points to a setting points to one that exists."""
    named = {
        name
        for folder in ("mooring", "streams", "agents", "web")
        for module in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"MOORING_[A-Z][A-Z_]*[A-Z]", module.read_text(encoding="utf-8"))
    }
    assert named <= KNOWN.keys()

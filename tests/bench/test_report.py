"""Figures come out under the names that targets have, and only where they were measured."""

from __future__ import annotations

import json

import pytest

from bench.contenders import CONTENDERS
from bench.measures import MEASURES
from bench.report import (
    BEGIN,
    DOCUMENT,
    END,
    PLAIN,
    RATIOS,
    as_json,
    headline,
    medians,
    missing,
    rewritten,
    section,
    versions,
)

TARGETS = {
    "throughput_vs_quix",
    "throughput_vs_quix_50k_keys",
    "throughput_vs_quix_1m_keys",
    "throughput_vs_stock_faust",
    "throughput_vs_aiokafka",
    "alert_p50_vs_echo",
    "alert_p99_vs_echo",
    "alert_p99_under_replay_ms",
    "row_public_p99_ms",
    "restart_store_s",
    "restart_changelog_vs_raw",
    "bytes_per_row",
    "soak_growth_bytes_per_hour",
    "cpu_two_workers_vs_one",
}
FIGURES = {
    "throughput.engine.events_per_cpu_s": [70.0, 60.0, 80.0],
    "throughput.engine.events_per_s": [50.0, 50.0, 50.0],
    "throughput.quix.events_per_cpu_s": [35.0, 1.0, 36.0],
    "throughput.quix.events_per_s": [20.0, 25.0, 30.0],
}


def test_each_target_has_its_figure() -> None:
    assert set(RATIOS) | set(PLAIN) >= TARGETS


def test_each_figure_comes_from_a_measure_and_a_contender_of_it() -> None:
    for source in [*(name for pair in RATIOS.values() for name in pair), *PLAIN.values()]:
        measure, contender, _ = source.split(".")
        assert contender in MEASURES[measure].contenders
    for each in MEASURES.values():
        assert set(each.contenders) <= set(CONTENDERS)


def test_ratios_are_of_medians() -> None:
    assert headline(medians(FIGURES)) == {"throughput_vs_quix": 2.0, "throughput_vs_quix_wall": 2.0}


def test_what_was_not_measured_is_named_and_left_out() -> None:
    left_out = missing(medians(FIGURES))
    assert "restart_store_s" in left_out
    assert "throughput_vs_quix" not in left_out
    written = json.loads(as_json(FIGURES, ["a note"]))
    assert written["throughput_vs_quix"] == 2.0
    assert "restart_store_s" not in written
    assert written["notes"] == ["a note"]


def test_the_section_replaces_the_one_that_is_there() -> None:
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    again = rewritten(
        rewritten(document, section(FIGURES, ["a note"], "make bench")), section(FIGURES, [], "make bench")
    )
    assert again.startswith(f"before\n{BEGIN}")
    assert again.endswith(f"{END}\nafter\n")
    assert "old" not in again
    assert "a note" not in again
    assert "| 1,000 keys | Quix Streams | events per cpu s | 35.00 |" in again


def test_the_document_has_the_section() -> None:
    assert rewritten(DOCUMENT.read_text(), "new") != DOCUMENT.read_text()
    with pytest.raises(ValueError, match="no section"):
        rewritten("nothing", "new")


def test_every_version_is_a_number() -> None:
    assert [name for name, number in versions().items() if not number[:1].isdigit()] == []

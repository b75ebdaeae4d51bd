"""What was fetched together is handed over topic after topic, and in each the partitions take turns."""

from faust.types import TP

from streams.engine.order import topic_after_topic

FETCHED = {
    TP("evaluations", 0): ["e1", "e2"],
    TP("elsewhere", 0): ["x1"],
    TP("stores", 1): ["s3"],
    TP("stores", 0): ["s1", "s2"],
    TP("builds", 0): ["b1"],
}


def test_topics_in_their_order_then_all_others() -> None:
    scheduler = topic_after_topic(["stores", "builds", "evaluations"])()
    handed_over = [record for _, record in scheduler.iterate(FETCHED)]
    assert sorted(handed_over[:3]) == ["s1", "s2", "s3"]
    assert handed_over[3:] == ["b1", "e1", "e2", "x1"]


def test_nothing_is_left_out_and_a_partition_keeps_its_order() -> None:
    scheduler = topic_after_topic(["stores"])()
    by_partition: dict[TP, list[str]] = {}
    for partition, record in scheduler.iterate(FETCHED):
        by_partition.setdefault(partition, []).append(record)
    assert by_partition == FETCHED

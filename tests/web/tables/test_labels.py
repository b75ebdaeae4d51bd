"""Labels: which versions bear one, whatever came and went."""

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from web.tables.labels import TABLE, LabelWriter, versions_with

# (version, label, whether it bears it), in portions that are written together; versions of several chunks.
_SAYINGS = st.lists(
    st.lists(st.tuples(st.sampled_from([0, 1, 4_095, 4_096, 9_000]), st.integers(1, 3), st.booleans()), max_size=8),
    max_size=5,
)


@given(portions=_SAYINGS)
def test_what_was_said_last_holds(portions: list[list[tuple[int, int, bool]]]) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(TABLE)
    writer = LabelWriter(connection)
    expected: set[tuple[int, int]] = set()
    for portion in portions:
        for version, label, borne in portion:
            writer.set(version, label, borne=borne)
            (expected.add if borne else expected.discard)((label, version))
        writer.write()
    found = {(label, version) for label in (1, 2, 3) for version in versions_with(connection, label).tolist()}
    assert found == expected
    connection.close()

"""Which versions bear a label: for each label, the numbers of its versions, packed like columns."""

from __future__ import annotations

import sqlite3
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

# `place`: the label's number and a chunk; `members`: which versions of the chunk bear it, as 16-bit numbers in order.
TABLE = "CREATE TABLE labelled (place INTEGER PRIMARY KEY, members BLOB NOT NULL)"

_OF_A_CHUNK = 4_096
_CHUNKS = 2**32
_MEMBER = np.dtype("<u2")


class LabelWriter:
    """Gathers who bears which label, and writes it chunk by chunk. For the one thread that writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        # By place: of members, whether each is one.
        self._set: defaultdict[int, dict[int, bool]] = defaultdict(dict)

    def set(self, version: int, label: int, *, borne: bool) -> None:
        """Have it said by the next `write` whether a version bears a label."""
        chunk, member = divmod(version, _OF_A_CHUNK)
        self._set[label * _CHUNKS + chunk][member] = borne

    def write(self) -> None:
        """Write what was set. To be called within a transaction; raises sqlite3.Error."""
        waiting, self._set = self._set, defaultdict(dict)
        changed = []
        for place, borne in waiting.items():
            found = self._connection.execute("SELECT members FROM labelled WHERE place = ?", (place,)).fetchone()
            members = set(np.frombuffer(found[0], _MEMBER).tolist()) if found else set()
            members |= {member for member, is_one in borne.items() if is_one}
            members -= {member for member, is_one in borne.items() if not is_one}
            changed.append((place, np.array(sorted(members), _MEMBER).tobytes()))
        self._connection.executemany("INSERT OR REPLACE INTO labelled VALUES (?, ?)", changed)

    def forget(self) -> None:
        """Drop what was set and not written."""
        self._set.clear()


def versions_with(connection: sqlite3.Connection, label: int) -> NDArray[np.int64]:
    """The numbers of the versions that bear a label."""
    first = label * _CHUNKS
    found = connection.execute(
        "SELECT place, members FROM labelled WHERE place BETWEEN ? AND ?", (first, first + _CHUNKS - 1)
    )
    parts = [
        np.frombuffer(members, _MEMBER).astype(np.int64) + (place - first) * _OF_A_CHUNK for place, members in found
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)

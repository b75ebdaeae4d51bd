"""Where a worker is in a partition. Pure: told what was fetched and handled, it says what may be committed.

The rule that nothing is lost by: **what is handed over was fetched from where the last run ended**. Faust drops what a
fetch returns for a partition that it has paused meanwhile, and reads on behind it. Here that shows, since the next
fetch begins too late, and the partition is read again. Where a fetch began in the right place and brings a later
offset, the log has no record in between: compaction took it, or there is a transaction's marker.
"""

from __future__ import annotations


class Position:
    """The position of one partition. At most one run of its records is in flight: delivered, and not yet handled."""

    __slots__ = ("_unhandled", "committed", "handled", "next")

    def __init__(self, start: int, committed: int | None = None) -> None:
        self.next = start  # where the next fetch has to begin
        self.handled = start  # all before it are handled
        self.committed = committed  # all before it need not be read again after a restart; None: nothing was committed
        self._unhandled = 0

    @property
    def in_flight(self) -> bool:
        return self._unhandled > 0

    @property
    def to_commit(self) -> int | None:
        """The offset to commit; None where that would change nothing."""
        return self.handled if self.committed is None or self.handled > self.committed else None

    def follows(self, began: int | None) -> bool:
        """Whether what a fetch brought that began there, a run or nothing, may be taken. If not, it lost something."""
        return began == self.next

    def delivered(self, last: int, messages: int = 1) -> None:
        """A run that ends at `last` was handed over, in so many messages."""
        self.next = last + 1
        self._unhandled = messages

    def done(self) -> None:
        """A message of the run in flight is handled."""
        self._unhandled -= 1
        if not self._unhandled:
            self.handled = self.next

    def nothing_before(self, offset: int) -> None:
        """The log has no record between `next` and this offset. Nothing is in flight."""
        if offset > self.next:
            self.next = self.handled = offset

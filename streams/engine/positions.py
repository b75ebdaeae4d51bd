"""Where a worker is in a partition. Pure: told what was delivered and handled, it says what may be committed.

The rule that nothing is lost by: **the next record delivered is the one after the last**. Faust drops what a fetch
returns for a partition that it has paused meanwhile, and reads on behind it. Here that shows as a hole, the partition
is read again from where the hole begins, and only a hole that the log repeats (compaction, transaction markers) is
accepted.
"""

from __future__ import annotations


class Position:
    """The position of one partition. At most one run of its records is in flight: delivered, and not yet handled."""

    __slots__ = ("_doubted", "_unhandled", "committed", "handled", "next")

    def __init__(self, start: int, committed: int | None = None) -> None:
        self.next = start  # the offset that the next record delivered should have
        self.handled = start  # all before it are handled
        self.committed = committed  # all before it need not be read again after a restart; None: nothing was committed
        self._unhandled = 0
        self._doubted: int | None = None

    @property
    def in_flight(self) -> bool:
        return self._unhandled > 0

    @property
    def to_commit(self) -> int | None:
        """The offset to commit; None where that would change nothing."""
        return self.handled if self.committed is None or self.handled > self.committed else None

    def follows(self, first: int) -> bool:
        """Whether a run that begins at `first` may be delivered. If not, it is to be read again from `next`."""
        if first == self.next or (first > self.next and first == self._doubted):
            self._doubted = None
            return True
        self._doubted = first
        return False

    def dropped(self) -> None:
        """What a fetch returned is lost. It is to be read again from `next`, and says nothing about holes."""
        self._doubted = None

    def delivered(self, last: int, messages: int = 1) -> None:
        """A run that ends at `last` was handed over, in so many messages."""
        self.next = last + 1
        self._unhandled = messages

    def done(self) -> None:
        """A message of the run in flight is handled."""
        self._unhandled -= 1
        if not self._unhandled:
            self.handled = self.next

    def idle_at(self, offset: int) -> bool:
        """A fetch found no record and stands at `offset`. Whether that is so; if not, read again from `next`.

        Markers and what compaction took end so. So does a fetch whose records were dropped on the way.
        """
        if self._unhandled or offset <= self.next:
            return True
        if offset != self._doubted:
            self._doubted = offset
            return False
        self._doubted = None
        self.next = self.handled = offset
        return True

"""The ceiling on bad input (rule 10): a wrong deploy of one producer must not send everything to the dead letters."""

from __future__ import annotations

from collections import deque
from itertools import repeat

from mooring.errors import MooringError

# Of this many records, the newest ones, the share that was refused is taken.
RECENT = 1_000
# Before so many were seen, a few bad ones say nothing.
_ENOUGH = 100


class TooMuchBadInput(MooringError):
    """More than the set share of recent input was refused."""

    def __init__(self, refused: int, seen: int, reason: str) -> None:
        super().__init__(
            f"{refused} of the last {seen} records were refused, the last one for '{reason}': that looks like a wrong "
            "deploy, not like bad records. The worker stops; nothing is lost. See the dead letters for the reasons. "
            "Then mend the sender, or raise MOORING_BAD_INPUT_LIMIT, and start the worker again."
        )


class Quarantine:
    """Counts what is refused among what is recent. `limit` is a share, 0 to 1; 1 lets all through."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._recent: deque[bool] = deque(maxlen=RECENT)
        self._refused = 0

    def taken(self, records: int = 1) -> None:
        """Records were fine."""
        if self._refused:
            for _ in range(min(records, RECENT)):
                self._note(refused=False)
        else:
            self._recent.extend(repeat(False, min(records, RECENT)))

    def refused(self, reason: str) -> None:
        """A record was refused. Raises TooMuchBadInput where that is one too many."""
        self._note(refused=True)
        if len(self._recent) >= _ENOUGH and self._refused > self._limit * len(self._recent):
            raise TooMuchBadInput(self._refused, len(self._recent), reason)

    def _note(self, *, refused: bool) -> None:
        if len(self._recent) == RECENT:
            self._refused -= self._recent[0]
        self._recent.append(refused)
        self._refused += refused

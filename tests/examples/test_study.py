"""What docs/drift.md promises of the default policy, on 1,000 simulated versions. Seeded: it holds, or it does not."""

import pytest

from examples.study import BALANCED, PROMISED, RARE, ROWS_OF_DROPS, VERSIONS, alarms
from mooring.outputs import ErrorSource

KNOWN = (ErrorSource.SCORES, ErrorSource.COUNTS)


@pytest.mark.parametrize("positives", [BALANCED, RARE])
@pytest.mark.parametrize("rows", [300, ROWS_OF_DROPS])
def test_false_alarms_stay_at_the_promised_level(rows: int, positives: float) -> None:
    shares = alarms(VERSIONS, rows, positives, drop=0.0, seed=1)
    assert all(shares[known] <= PROMISED for known in KNOWN)
    # The size of a drift alone would raise many.
    assert shares[ErrorSource.UNKNOWN] > 3 * PROMISED


def test_a_true_drop_is_found_nine_times_of_ten() -> None:
    shares = alarms(VERSIONS, ROWS_OF_DROPS, BALANCED, drop=0.05, seed=1)
    assert all(shares[known] >= 0.9 for known in KNOWN)

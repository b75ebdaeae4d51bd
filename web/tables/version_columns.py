"""Which columns there are: what versions are narrowed to and sorted by."""

from __future__ import annotations

import hashlib
import math
from functools import cache
from typing import NamedTuple

from mooring.metrics.catalogue import PredictionType
from mooring.outputs import Severity, VersionState
from web.tables.columns import Column

# A version of which no row is known: one that only an outcome has named so far, or that was deleted.
NO_VERSION = 255
# Names that a version lacks. The ids of names begin at 1.
NO_NAME = 0

STATES = tuple(VersionState)
SEVERITIES = tuple(Severity)
PREDICTION_TYPES = tuple(PredictionType)

# Places in the tuples above.
STATE = Column(1, "u1", NO_VERSION)
SEVERITY = Column(2, "u1", 0)
PREDICTION_TYPE = Column(3, "u1", 0)
# 0 or 1.
ACTIVE = Column(4, "u1", 0)
ARCHIVED = Column(5, "u1", 0)
# Ids of names (web.tables.names).
NODE = Column(6, "u4", NO_NAME)
PROJECT = Column(7, "u4", NO_NAME)
MODEL = Column(8, "u4", NO_NAME)
VERSION = Column(9, "u4", NO_NAME)
VERSION_NAME = Column(10, "u4", NO_NAME)
ALGORITHM = Column(11, "u4", NO_NAME)
# Epoch ms, which a double has exactly.
BUILT_AT = Column(12, "f8", math.nan)
EVALUATED_AT = Column(13, "f8", math.nan)
UPDATED_AT = Column(14, "f8", math.nan)
# Decides between equals: from the key, so that it is the same in every replica.
MARK = Column(15, "i8", 0)

_FIRST_OF_METRICS = 1_000


class MetricColumns(NamedTuple):
    """Those of one metric."""

    value: Column
    initial: Column
    drift: Column


@cache
def of_metric(metric: int) -> MetricColumns:
    """The columns of a metric, by its id."""
    first = _FIRST_OF_METRICS + 3 * metric
    return MetricColumns(*(Column(first + place, "f8", math.nan) for place in range(3)))


def mark_of(text: str) -> int:
    """63 bits that stand for a text where all that matters is to tell it from others, always in the same way."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1

"""Data drift: how far the rows of an evaluation are from those that a version was built with.

    reference = Reference.fit(test_set, predictions=scores)
    reference.save("reference.json")
    ...
    drift = Reference.load("reference.json").compare(this_week, predictions=this_weeks_scores)
    mooring.evaluated("redemption", "v1", store="weekly", metrics=drift.metrics)

It needs the extra `mooring[drift]`: a name of this package that is used without it raises `DependencyMissing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mooring.errors import DependencyMissing

if TYPE_CHECKING:
    from mooring.drift.frames import InvalidFrame
    from mooring.drift.reference import Reference
    from mooring.drift.result import ColumnDrift, DataDrift
    from mooring.drift.stored import InvalidReference

__all__ = ["ColumnDrift", "DataDrift", "InvalidFrame", "InvalidReference", "Reference"]


def __getattr__(name: str) -> object:
    # The command line looks into this package for its commands, and should not load scikit-learn for that.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from mooring.drift import frames, reference, result, stored
    except ModuleNotFoundError as error:
        raise DependencyMissing(error.name or "scikit-learn", extra="drift") from error
    return next(getattr(module, name) for module in (frames, reference, result, stored) if hasattr(module, name))

"""Mooring keeps deployed machine-learning models from drifting unnoticed. This is the library that a pipeline uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mooring.errors import MooringError

if TYPE_CHECKING:
    from mooring.client import Mooring

__version__ = "0.1.0"
__all__ = ["Mooring", "MooringError", "__version__"]


def __getattr__(name: str) -> object:
    # The client brings kafka-python and fastavro along, for which those who need only keys or metrics need not wait.
    if name == "Mooring":
        from mooring.client import Mooring

        return Mooring
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

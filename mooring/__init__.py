"""Mooring keeps deployed machine-learning models from drifting unnoticed. This is the library that a pipeline uses."""

from mooring.errors import MooringError

__version__ = "0.1.0"
__all__ = ["MooringError", "__version__"]

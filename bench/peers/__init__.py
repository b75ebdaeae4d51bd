"""The contenders beside the engine: other ways to do the same work, each with the best settings found for it."""

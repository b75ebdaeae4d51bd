"""`mooring data-drift` on a million rows, and beside what Evidently and NannyML calculate of the same rows."""

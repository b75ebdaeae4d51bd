"""Stories that run: pipelines as a user of Mooring would write them."""

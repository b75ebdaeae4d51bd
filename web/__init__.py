"""The read side: a replica of the public topics, the API over it, and the pages."""

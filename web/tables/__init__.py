"""The tables of the replica's database, one a file: what they hold, and how records of the topics change them."""

"""Reading the replica: one file for each kind of thing that is asked for. For any number of threads at once."""

"""`make bench-web`: how fast the web view answers over a large registry, and how fast its replica is built."""

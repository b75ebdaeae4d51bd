"""A database that has nothing but columns, for the tests of them."""

import math
import sqlite3

from web.tables.columns import TABLES, Column

DOUBLES = Column(7, "f8", math.nan)
FLAGS = Column(8, "u1", 255)
ROWS = 1_300  # more than two chunks of doubles


def made() -> sqlite3.Connection:
    """A connection to one with the tables of the columns, and nothing in them."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for table in TABLES:
        connection.execute(table)
    return connection

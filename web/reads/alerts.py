"""Drift alerts: past ones, those that came since, and how many there are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from mooring.codec import decode_plain
from mooring.outputs import DriftAlert
from web import cursors, items
from web.models import AlertItem, Page
from web.reads.filters import AlertFilter, Parameters
from web.reads.filters import where as clause
from web.reads.reader import DEFAULT_LIMIT, Reader

EVERY_ALERT = AlertFilter()


@dataclass(frozen=True, slots=True)
class PlacedAlert:
    """An alert, where it is in its topic, and its number in the order of arrival here."""

    alert: AlertItem
    partition: int
    position: int
    number: int


class Alerts:
    """Questions about alerts."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def page(
        self, where: AlertFilter = EVERY_ALERT, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
    ) -> Page[AlertItem]:
        """Alerts, those of the newest evaluation first. Raises InvalidCursor."""
        as_of = self._reader.as_of()
        conditions, parameters = where.conditions()
        list_name = json.dumps(["alerts", asdict(where)])
        if cursor:
            parameters["at"], parameters["last_id"] = cursors.read(list_name, cursor, (int, str))
            conditions.append("(evaluated_at, alert_id) < (:at, :last_id)")
        with self._reader.snapshot() as connection:
            found = connection.execute(
                f"SELECT row FROM alerts {clause(conditions)} "  # noqa: S608  # texts of this module and of the filters
                "ORDER BY evaluated_at DESC, alert_id DESC LIMIT :limit",
                {**parameters, "limit": limit + 1},
            ).fetchall()
        page = [self._item(row) for row in found[:limit]]
        following = None
        if len(found) > limit:
            following = cursors.write(list_name, (page[-1].evaluated_at, page[-1].alert_id))
        return Page(items=page, next_cursor=following, as_of=as_of)

    def after(self, seen: Mapping[int, int], where: AlertFilter, limit: int) -> list[PlacedAlert]:
        """Alerts at or past the position given for their partition, in the order of arrival here.

        Of each partition none is left out before one that is answered: a position each says what was seen.
        """
        conditions, parameters = where.conditions()
        placed: list[PlacedAlert] = []
        with self._reader.snapshot() as connection:
            for partition, position in seen.items():
                placed += self._placed(
                    connection,
                    f"{clause([*conditions, 'partition = :partition', 'position >= :position'])} ORDER BY position",
                    {**parameters, "partition": partition, "position": position, "limit": limit},
                )
        return sorted(placed, key=lambda each: each.number)[:limit]

    def newest(self, limit: int, after_number: int = 0) -> list[PlacedAlert]:
        """The alerts that arrived last here, newest first, none of them numbered up to `after_number`."""
        with self._reader.snapshot() as connection:
            return self._placed(
                connection, "WHERE id > :after ORDER BY id DESC", {"after": after_number, "limit": limit}
            )

    def positions(self, topic: str) -> dict[int, int]:
        """Per partition of the topic, the offset of the next record that the replica will read."""
        with self._reader.snapshot() as connection:
            found = connection.execute("SELECT partition, next_offset FROM positions WHERE topic = ?", (topic,))
            return {row["partition"]: row["next_offset"] for row in found}

    def counts(self, where: AlertFilter = EVERY_ALERT) -> dict[str, int]:
        """How many alerts there are of each severity."""
        conditions, parameters = where.conditions()
        with self._reader.snapshot() as connection:
            found = connection.execute(
                f"SELECT severity, count(*) AS n FROM alerts {clause(conditions)} GROUP BY severity",  # noqa: S608  # as above
                parameters,
            )
            return {row["severity"]: row["n"] for row in found}

    def _placed(self, connection: sqlite3.Connection, rest: str, parameters: Parameters) -> list[PlacedAlert]:
        found = connection.execute(
            f"SELECT row, partition, position, id FROM alerts {rest} LIMIT :limit",  # noqa: S608  # as above
            parameters,
        )
        return [PlacedAlert(self._item(row), row["partition"], row["position"], row["id"]) for row in found]

    def _item(self, row: sqlite3.Row) -> AlertItem:
        return items.alert_item(decode_plain(row["row"], DriftAlert.__name__, self._reader.registry))

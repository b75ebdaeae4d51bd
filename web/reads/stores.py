"""Evaluation stores: how they are configured, and were."""

from __future__ import annotations

import json

from mooring.codec import decode
from mooring.keys import StoreKey
from mooring.outputs import StoreSettings
from web import cursors, items
from web.models import Page, StoreItem
from web.reads.filters import among
from web.reads.filters import where as clause
from web.reads.reader import DEFAULT_LIMIT, Reader


class Stores:
    """Questions about evaluation stores: those that were configured, or in which something was evaluated."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def page(
        self,
        now: int,
        *,
        node: tuple[str, ...] = (),
        project: tuple[str, ...] = (),
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[StoreItem]:
        """The stores, by key. `now`: which configuration is in force, epoch ms. Raises InvalidCursor."""
        as_of = self._reader.as_of()
        conditions, parameters = among({"node_id": node, "project_key": project})
        list_name = json.dumps(["stores", node, project])
        if cursor:
            (parameters["last"],) = cursors.read(list_name, cursor, (str,))
            conditions.append("store_key > :last")
        with self._reader.snapshot() as connection:
            found = connection.execute(
                f"SELECT store_key, row FROM stores {clause(conditions)} ORDER BY store_key LIMIT :limit",  # noqa: S608  # texts of this module
                {**parameters, "limit": limit + 1},
            ).fetchall()
        page = [items.store_item(self._settings(row["store_key"], row["row"]), now) for row in found[:limit]]
        following = cursors.write(list_name, (page[-1].store_key,)) if len(found) > limit else None
        return Page(items=page, next_cursor=following, as_of=as_of)

    def get(self, key: StoreKey, now: int) -> StoreItem | None:
        """One store; None where it is not known."""
        with self._reader.snapshot() as connection:
            row = connection.execute("SELECT row FROM stores WHERE store_key = ?", (str(key),)).fetchone()
        return None if row is None else items.store_item(self._settings(str(key), row["row"]), now)

    def _settings(self, key: str, row: bytes | None) -> StoreSettings:
        if row is not None:
            return decode(row, StoreSettings, self._reader.registry)
        parts = StoreKey.parse(key)
        return StoreSettings(
            store_key=key, node_id=parts.node_id, project_key=parts.project_key, store_id=parts.store_id
        )

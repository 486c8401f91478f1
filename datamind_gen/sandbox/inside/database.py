"""get_db_info() and execute_sql() as a session's code finds them."""

from __future__ import annotations

from typing import Any


class Database:
    @staticmethod
    def prepare(order: dict[str, Any], namespace: dict[str, Any]) -> None:
        return None

"""Finding tables: the parsed form of a table's record, remembered by the record's own bytes.

A table is looked up in the caller's snapshot or transaction every time, and the parsed form is used only when the bytes
found there are those it was parsed from. So nothing uncommitted leaks, and nothing has to be invalidated.
"""

import re
from collections.abc import Iterator

from actors.dynamodb import state
from actors.dynamodb.errors import ResourceInUseException, ResourceNotFoundException, TableNotFoundException
from actors.dynamodb.state import Table
from actors.runtime.store.transaction import Snapshot
from schemas.errors import ValidationException
from schemas.routing import resource_name

CACHE_LIMIT_TABLES = 4096

Scope = tuple[str, str]                   # account, region


class Catalogue:
    def __init__(self, collection_limit_bytes: int = state.COLLECTION_LIMIT_BYTES) -> None:
        self._collection_limit_bytes = collection_limit_bytes
        self._parsed: dict[tuple[Scope, str], tuple[bytes, bytes, Table]] = {}   # -> key, record, its table

    def table(self, snapshot: Snapshot, scope: Scope, name: str) -> Table:
        """The table a request names, by name or ARN. ResourceNotFoundException as item operations word it."""
        table = self.find(snapshot, scope, name)
        if table is None or not table.is_made:
            raise ResourceNotFoundException("Requested resource not found")
        return table

    def described(self, snapshot: Snapshot, scope: Scope, name: str) -> Table:
        """The same for operations on tables, which word it with the name."""
        table = self.find(snapshot, scope, name)
        if table is None:
            raise ResourceNotFoundException(f"Requested resource not found: Table: {resource_name(name)} not found")
        return table

    def backed_up(self, snapshot: Snapshot, scope: Scope, name: str) -> Table:
        """The same for operations on backups, whose error is TableNotFoundException."""
        table = self.find(snapshot, scope, checked_name(name))
        if table is None:
            raise TableNotFoundException(f"Table not found: {name}")
        return table

    def changeable(self, snapshot: Snapshot, scope: Scope, name: str) -> Table:
        """`described`, and not still being made (ResourceInUseException)."""
        table = self.described(snapshot, scope, name)
        if not table.is_made:
            raise ResourceInUseException(
                f"Attempt to change a resource which is still in use: Table is being created: {table.table_name}"
            )
        return table

    def find(self, snapshot: Snapshot, scope: Scope, name: str) -> Table | None:
        known = self._parsed.get((scope, name))
        if known is not None:
            record = snapshot.get(known[0])
            if record == known[1]:
                return known[2]
        else:
            record = snapshot.get(state.table_key(*scope, local_name(scope, name)))
        if record is None:
            return None
        table = Table(state.unpack_table(record), self._collection_limit_bytes)
        if len(self._parsed) >= CACHE_LIMIT_TABLES:
            self._parsed.clear()
        self._parsed[scope, name] = (state.table_key(*scope, table.table_name), record, table)
        return table


_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}\Z")
_NAME_PATTERN = "[a-zA-Z0-9_.-]+"
NAME_MIN_CHARS, NAME_LIMIT_CHARS = 3, 255


def checked_name(name: str) -> str:
    """The name itself, when it may be a table's. The model allows any text, since an ARN may stand there.

    Wording: measured on AWS by the public dynamodb-conformance suite.
    """
    if _NAME.match(name) or name.startswith("arn:"):
        return name
    if len(name) > NAME_LIMIT_CHARS:
        broken = f"Member must have length less than or equal to {NAME_LIMIT_CHARS}"
    elif not re.fullmatch(_NAME_PATTERN, name):
        broken = f"Member must satisfy regular expression pattern: {_NAME_PATTERN}"
    else:
        broken = f"Member must have length greater than or equal to {NAME_MIN_CHARS}"
    raise ValidationException(
        f"1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: {broken}"
    )


def local_name(scope: Scope, name: str) -> str:
    """The table's name in a name or an ARN. ResourceNotFoundException for an ARN of another account or region."""
    if not name.startswith("arn:"):
        return name
    account, region = scope
    if name.split(":")[2:5] != ["dynamodb", region, account]:
        raise ResourceNotFoundException("Requested resource not found")
    return resource_name(name)


def names(snapshot: Snapshot, scope: Scope, after: str) -> Iterator[str]:
    """The scope's tables in order of name, those after `after` only."""
    start = state.table_key(*scope, "")
    stop = state.past(start)
    for key, _ in snapshot.scan(start + after.encode() + b"\0" if after else start, stop):
        yield key[len(start):].decode()

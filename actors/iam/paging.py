"""MaxItems and Marker. A marker names the last row that was given, so pages stay right while rows come and go."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from actors.iam.errors import ValidationError

PAGE_ITEMS = 100                              # where the request says nothing
PAGE_LIMIT_ITEMS = 1000

Answer = dict[str, Any]


def after(request: Mapping[str, Any]) -> str:
    """The row behind which the page begins; "" for the first."""
    marker = request.get("Marker")
    if not marker:
        return ""
    try:
        return base64.b64decode(marker, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise ValidationError("Invalid Marker.") from error


def page(
    member: str, rows: Iterable[tuple[str, Any]], request: Mapping[str, Any], shown: Callable[[Any], Any]
) -> Answer:
    """{member: […], IsTruncated, Marker} of rows (key, value) that begin behind `after(request)`."""
    limit = min(request.get("MaxItems") or PAGE_ITEMS, PAGE_LIMIT_ITEMS)
    items: list[Any] = []
    last = ""
    for key, value in rows:
        if len(items) == limit:
            return {member: items, "IsTruncated": True, "Marker": base64.urlsafe_b64encode(last.encode()).decode()}
        items.append(shown(value))
        last = key
    return {member: items, "IsTruncated": False}

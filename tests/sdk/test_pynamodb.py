"""pynamodb, unmodified: models, indexes, conditions, versions, batches, counted and paged reads.

Expected behaviour: pynamodb's own documentation (https://pynamodb.readthedocs.io/), which describes it against AWS.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
    VersionAttribute,
)
from pynamodb.exceptions import DeleteError, DoesNotExist, PutError, UpdateError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, IncludeProjection, LocalSecondaryIndex
from pynamodb.models import Model

from tests import servers


class ByForum(GlobalSecondaryIndex["Thread"]):
    class Meta:
        index_name = "by-forum"
        projection = AllProjection()
        read_capacity_units = write_capacity_units = 1

    forum = UnicodeAttribute(hash_key=True)
    views = NumberAttribute(range_key=True)


class ByViews(LocalSecondaryIndex["Thread"]):
    class Meta:
        index_name = "by-views"
        projection = IncludeProjection(["subject"])

    author = UnicodeAttribute(hash_key=True)
    views = NumberAttribute(range_key=True)


class Address(MapAttribute[str, Any]):
    city = UnicodeAttribute()
    floor = NumberAttribute(null=True)


address: Any = Address                    # its constructor has no types


class Thread(Model):
    class Meta:
        table_name = "pynamodb-threads"
        region = "us-east-1"
        aws_access_key_id = "test"
        aws_secret_access_key = "test"
        host: str

    author = UnicodeAttribute(hash_key=True)
    subject = UnicodeAttribute(range_key=True)
    forum = UnicodeAttribute(null=True)
    views = NumberAttribute(default=0)
    tags = UnicodeSetAttribute(null=True)
    closed = BooleanAttribute(default=False)
    at = UTCDateTimeAttribute(null=True)
    address = address(null=True)
    replies: ListAttribute[Any] = ListAttribute(null=True)
    extra = JSONAttribute(null=True)
    version = VersionAttribute()
    by_forum = ByForum()
    by_views = ByViews()


@pytest.fixture(scope="module")
def threads(skybus: servers.Server) -> Iterator[type[Thread]]:
    Thread.Meta.host = skybus.endpoint
    assert not Thread.exists()
    Thread.create_table(read_capacity_units=1, write_capacity_units=1, wait=True)
    assert Thread.exists()
    yield Thread
    Thread.delete_table()
    assert not Thread.exists()


# Every attribute type goes and comes back; what is missing raises.
def test_items(threads: type[Thread]) -> None:
    at = datetime(2026, 11, 22, 12, 30, 15, 123456, tzinfo=UTC)
    thread = threads("ann", "types", forum="f", views=3, tags={"a", "b"}, at=at, replies=[1, "two", {"x": None}],
                     address=address(city="Köln", floor=2), extra={"any": ["thing", 1.5]})
    thread.save()
    found = threads.get("ann", "types", consistent_read=True)
    assert found.serialize() == thread.serialize()
    assert found.address is not None
    assert found.address.city == "Köln"
    assert threads.count("ann") == 1
    found.delete()
    with pytest.raises(DoesNotExist):
        threads.get("ann", "types")


# Actions and conditions of every kind, as pynamodb writes them with placeholders.
def test_updates_and_conditions(threads: type[Thread]) -> None:
    thread = threads("bob", "updates", tags={"one"}, replies=["first"])
    thread.save(Thread.author.does_not_exist())
    thread.update(actions=[
        Thread.views.set(Thread.views + 5), Thread.tags.add({"two", "three"}), Thread.forum.set("new"),
        Thread.replies.set(Thread.replies.append(["second"])), Thread.closed.set(True),
        Thread.at.remove(),
    ], condition=(Thread.views < 1) & Thread.closed.is_in(False) & ~Thread.forum.exists())
    assert (thread.views, thread.tags, thread.replies) == (5, {"one", "two", "three"}, ["first", "second"])
    thread.update(actions=[Thread.tags.delete({"one"}), Thread.address.set(address(city="x")), Thread.views.set(9)])
    city: Any = Thread.address.city
    thread.update(actions=[city.set("y")], condition=city.startswith("x") & Thread.tags.contains("two"))
    thread.refresh()
    assert thread.address is not None
    assert (thread.address.city, thread.tags, thread.views) == ("y", {"two", "three"}, 9)
    with pytest.raises(UpdateError) as caught:
        thread.update(actions=[Thread.views.set(0)], condition=Thread.views.between(10, 20))
    assert caught.value.cause_response_code == "ConditionalCheckFailedException"
    with pytest.raises(DeleteError):
        thread.delete(Thread.closed == False)  # noqa: E712 - pynamodb's way to write it
    thread.delete()


# A version is checked and counted with each write: of two writers with the same one the second fails.
def test_versions(threads: type[Thread]) -> None:
    first = threads("eve", "versions")
    first.save()
    second = threads.get("eve", "versions")
    second.update(actions=[Thread.views.set(1)])
    assert second.version == 2
    with pytest.raises(PutError) as caught:
        first.save()
    assert caught.value.cause_response_code == "ConditionalCheckFailedException"
    with pytest.raises(DeleteError):
        first.delete()
    second.delete()


def test_queries_scans_and_batches(threads: type[Thread]) -> None:
    with threads.batch_write() as batch:
        for number in range(60):
            batch.save(threads("many", f"{number:03}", forum="even" if number % 2 == 0 else None, views=number))
    assert threads.count("many") == 60
    found = threads.query("many", Thread.subject.between("010", "019"), filter_condition=Thread.views > 14,
                          scan_index_forward=False, page_size=3)
    assert [thread.views for thread in found] == [19, 18, 17, 16, 15]
    started = threads.query("many", Thread.subject.startswith("0"), limit=7, page_size=2)
    assert [thread.subject for thread in started] == [f"{number:03}" for number in range(7)]
    rest = threads.query("many", last_evaluated_key=started.last_evaluated_key, attributes_to_get=["subject"])
    assert sum(1 for _ in rest) == 53
    assert [thread.views for thread in threads.by_forum.query("even", ByForum.views >= 56)] == [56, 58]
    assert threads.by_forum.count("even") == 30
    assert [thread.subject for thread in threads.by_views.query("many", ByViews.views < 3)] == ["000", "001", "002"]
    segments = [sum(1 for _ in threads.scan(segment=number, total_segments=4)) for number in range(4)]
    assert sum(segments) == 60
    keys = [("many", f"{number:03}") for number in range(55, 65)]
    assert {thread.views for thread in threads.batch_get(keys)} == set(range(55, 60))
    with threads.batch_write() as batch:
        for thread in threads.scan(Thread.author == "many"):
            batch.delete(thread)
    assert threads.count("many") == 0

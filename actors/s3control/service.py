"""S3 Control's operations: a table of contents. The rows are S3's (actors/s3/publicity.py), in S3's shard."""

from collections.abc import Mapping
from typing import Any, ClassVar

from actors.runtime.actor import ServiceActor, operation, query
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3control import blocks, tagging

Request = Mapping[str, Any]
Answer = dict[str, Any]


class S3Control(ServiceActor):
    service: ClassVar[str] = "s3control"
    state_of: ClassVar[str] = "s3"

    def resource(self, operation: str, request: Request, account: str, region: str) -> str:
        return str(request.get("ResourceArn") or "*")

    @query("ListTagsForResource")
    def list_tags_for_resource(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.listed(context, snapshot, request)

    @operation("TagResource")
    def tag_resource(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.tag(context, transaction, request)

    @operation("UntagResource")
    def untag_resource(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.untag(context, transaction, request)

    @query("GetPublicAccessBlock")
    def get_public_access_block(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return blocks.get(context, snapshot, request)

    @operation("PutPublicAccessBlock")
    def put_public_access_block(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return blocks.put(context, transaction, request)

    @operation("DeletePublicAccessBlock")
    def delete_public_access_block(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return blocks.delete(context, transaction, request)

"""S3 Control's operations: a table of contents. Rows are S3's (actors/s3/publicity.py, points.py), in S3's shard."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from actors.runtime.access import Access
from actors.runtime.actor import ServiceActor, operation, query
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import points
from actors.s3control import access_points, blocks, policies, tagging

Request = Mapping[str, Any]
Answer = dict[str, Any]


class S3Control(ServiceActor):
    service: ClassVar[str] = "s3control"
    state_of: ClassVar[str] = "s3"

    # What authorisation asks

    def accesses(self, context: Context, request: Request) -> Sequence[Access]:
        found = tuple(super().accesses(context, request))
        if context.operation.name == "CreateAccessPoint" and request.get("Tags"):
            return (*found, Access("s3:TagResource", found[0].resource))
        return found

    def resource(self, operation: str, request: Request, account: str, region: str) -> str:
        if "Name" in request:
            return points.Key(request["AccountId"], region, request["Name"]).arn
        return str(request.get("ResourceArn") or "*")

    def tags(self, context: Context, access: Access) -> Mapping[str, str]:
        point = self._point(access)
        return {} if point is None else point.tags

    def condition_keys(
        self, context: Context, access: Access, request: Request
    ) -> Mapping[str, str | tuple[str, ...]]:
        key, point = points.key_of_arn(access.resource), self._point(access)
        if key is None:
            return {}
        made = points.VPC if request.get("VpcConfiguration") else points.INTERNET
        keys = {"s3:resourceaccount": key.account,
                **points.condition_keys(key, made if point is None else point.origin)}
        for tag, value in self.tags(context, access).items():
            keys[f"s3:accesspointtag/{tag.lower()}"] = value
        return keys

    def _point(self, access: Access) -> points.Point | None:
        key = points.key_of_arn(access.resource)
        if key is None:
            return None
        found: points.Point | None = self.surroundings.shard.read(lambda view: points.get(view, key))
        return found

    # Access points

    @operation("CreateAccessPoint")
    def create_access_point(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return access_points.create(context, transaction, request)

    @query("GetAccessPoint")
    def get_access_point(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return access_points.get(context, snapshot, request)

    @operation("DeleteAccessPoint")
    def delete_access_point(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return access_points.delete(context, transaction, request)

    @query("ListAccessPoints")
    def list_access_points(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return access_points.listed(context, snapshot, request)

    @operation("PutAccessPointPolicy")
    def put_access_point_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.put(context, transaction, request)

    @query("GetAccessPointPolicy")
    def get_access_point_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return policies.get(context, snapshot, request)

    @operation("DeleteAccessPointPolicy")
    def delete_access_point_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.delete(context, transaction, request)

    @query("GetAccessPointPolicyStatus")
    def get_access_point_policy_status(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return policies.status(context, snapshot, request)

    # Tags

    @query("ListTagsForResource")
    def list_tags_for_resource(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.listed(context, snapshot, request)

    @operation("TagResource")
    def tag_resource(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.tag(context, transaction, request)

    @operation("UntagResource")
    def untag_resource(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.untag(context, transaction, request)

    # Public-access blocks of accounts

    @query("GetPublicAccessBlock")
    def get_public_access_block(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return blocks.get(context, snapshot, request)

    @operation("PutPublicAccessBlock")
    def put_public_access_block(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return blocks.put(context, transaction, request)

    @operation("DeletePublicAccessBlock")
    def delete_public_access_block(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return blocks.delete(context, transaction, request)

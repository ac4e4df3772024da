"""STS, operation by operation. Its sessions stand in IAM's shard, where whose they are is known.

Not here yet: README.md, coverage.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from actors.iam import access_keys, sessions
from actors.iam.vault import Vault
from actors.runtime.access import Access, Guard
from actors.runtime.actions import action_of
from actors.runtime.actor import ServiceActor, operation, query
from actors.runtime.authorization_messages import AuthorizationMessages
from actors.runtime.bounded.threads import Threads
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import Surroundings
from actors.sts import access, roles, root_sessions, saml_identity, second_factor, tokens, web_identity
from actors.sts.errors import InvalidAuthorizationMessage
from actors.sts.issuers import Issuers

Request = Mapping[str, Any]
Answer = dict[str, Any]


class STS(ServiceActor):
    service: ClassVar[str] = "sts"
    state_of: ClassVar[str] = "iam"

    def attach(self, surroundings: Surroundings) -> None:
        super().attach(surroundings)
        self._vault = Vault(surroundings.directory)
        self._issuers = Issuers()
        self._readers = Threads("saml", saml_identity.RESPONSES_LIMIT, saml_identity.WAITING_LIMIT)
        self._messages = AuthorizationMessages(surroundings.directory)

    @query("GetCallerIdentity")
    def get_caller_identity(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        asking = context.principal
        return {"UserId": asking.user_id, "Account": asking.account, "Arn": asking.arn}

    @operation("AssumeRole")
    def assume_role(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return roles.assume(transaction, self._vault, context, request)

    @operation("AssumeRoleWithWebIdentity")
    async def assume_role_with_web_identity(self, context: Context, request: Request) -> Answer:
        return await web_identity.assume(self.surroundings.shard, self._vault, self._issuers, context, request)

    @operation("AssumeRoleWithSAML")
    async def assume_role_with_saml(self, context: Context, request: Request) -> Answer:
        return await saml_identity.assume(self.surroundings.shard, self._vault, self._readers, context, request)

    @operation("GetSessionToken")
    def get_session_token(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tokens.session_token(transaction, self._vault, context, request)

    @operation("GetFederationToken")
    def get_federation_token(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tokens.federation_token(transaction, self._vault, context, request)

    @query("GetAccessKeyInfo")
    def get_access_key_info(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        access_key = request["AccessKeyId"]
        holder, session = access_keys.holder(snapshot, access_key), sessions.find(snapshot, access_key)
        if holder is not None:
            return {"Account": holder.account}
        return {"Account": tokens.account_in(access_key) if session is None else session["account"]}

    @operation("AssumeRoot")
    def assume_root(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return root_sessions.assume(transaction, self._vault, context, request)

    @query("DecodeAuthorizationMessage")
    def decode_authorization_message(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        try:
            failure = self._messages.open(context.identity.account, request["EncodedMessage"], context.now)
        except ValueError as error:
            raise InvalidAuthorizationMessage("Message is not valid") from error
        return {"DecodedMessage": failure}

    # Authorisation

    def accesses(self, context: Context, request: Request) -> Sequence[Access]:
        factor: access.Keys = {} if not request.get("SerialNumber") and not request.get("TokenCode") else \
            self.surroundings.shard.read(lambda view: second_factor.check(view, self._vault, context, request))
        return access.accesses(context, action_of(context.operation), request, factor)

    def guard(self, context: Context, asked: Access) -> Guard | None:
        if asked.action == "sts:AssumeRoot":       # the asking account's policies decide, then the organization
            return Guard(context.identity.account)
        found: Guard | None = self.surroundings.shard.read(lambda view: access.guard(view, asked))
        return found

    def tags(self, context: Context, asked: Access) -> Mapping[str, str]:
        found: Mapping[str, str] = self.surroundings.shard.read(lambda view: access.tags(view, asked))
        return found

    def condition_keys(self, context: Context, asked: Access, request: Request) -> access.Keys:
        return access.condition_keys(request)

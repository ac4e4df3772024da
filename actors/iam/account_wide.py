"""IAM's operations on an account as a whole: its names and reports, its members' roots, what was used last, what
policies would decide. A part of service.py's table of contents."""

from collections.abc import Mapping
from typing import Any

from actors.iam import accounts, advisor, reports, root_access, simulation
from actors.iam.state import Book
from actors.runtime.actor import operation, query
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import Surroundings

Request = Mapping[str, Any]
Answer = dict[str, Any]


class AccountWide:
    surroundings: Surroundings

    # The account

    @operation("CreateAccountAlias")
    def create_account_alias(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return accounts.create_alias(Book(transaction, context.account), request["AccountAlias"])

    @operation("DeleteAccountAlias")
    def delete_account_alias(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return accounts.delete_alias(Book(transaction, context.account), request["AccountAlias"])

    @query("ListAccountAliases")
    def list_account_aliases(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return accounts.aliases(Book(snapshot, context.account))

    @operation("SetSecurityTokenServicePreferences")
    def set_security_token_preferences(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return accounts.prefer_tokens(Book(transaction, context.account), request["GlobalEndpointTokenVersion"])

    @query("GetAccountSummary")
    def get_account_summary(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return accounts.summary(Book(snapshot, context.account))

    @query("GetAccountAuthorizationDetails")
    def get_account_authorization_details(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return accounts.authorization_details(Book(snapshot, context.account), request)

    @operation("GenerateCredentialReport")
    async def generate_credential_report(self, context: Context, request: Request) -> Answer:
        return await reports.generate(self.surroundings.shard, context)

    @query("GetCredentialReport")
    def get_credential_report(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return reports.get(Book(snapshot, context.account), context)

    # Access to members' roots

    @operation("EnableOrganizationsRootSessions")
    def enable_root_sessions(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return root_access.enable(Book(transaction, context.account), root_access.SESSIONS)

    @operation("DisableOrganizationsRootSessions")
    def disable_root_sessions(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return root_access.disable(Book(transaction, context.account), root_access.SESSIONS)

    @operation("EnableOrganizationsRootCredentialsManagement")
    def enable_root_credentials(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return root_access.enable(Book(transaction, context.account), root_access.CREDENTIALS)

    @operation("DisableOrganizationsRootCredentialsManagement")
    def disable_root_credentials(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return root_access.disable(Book(transaction, context.account), root_access.CREDENTIALS)

    @query("ListOrganizationsFeatures")
    def list_organizations_features(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return root_access.features(Book(snapshot, context.account))

    # What was used last

    @operation("GenerateServiceLastAccessedDetails")
    def generate_service_last_accessed_details(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return advisor.generate(Book(transaction, context.account), context, request)

    @query("GetServiceLastAccessedDetails")
    def get_service_last_accessed_details(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return advisor.details(Book(snapshot, context.account), context, request)

    @query("GetServiceLastAccessedDetailsWithEntities")
    def get_service_last_accessed_details_with_entities(
        self, context: Context, snapshot: Snapshot, request: Request
    ) -> Answer:
        return advisor.entities(Book(snapshot, context.account), context, request)

    @query("ListPoliciesGrantingServiceAccess")
    def list_policies_granting_service_access(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return advisor.policies(Book(snapshot, context.account), request)

    # Simulation

    @query("SimulateCustomPolicy")
    def simulate_custom_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return simulation.custom(Book(snapshot, context.account), request)

    @query("SimulatePrincipalPolicy")
    def simulate_principal_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return simulation.principal(Book(snapshot, context.account), request)

    @query("GetContextKeysForCustomPolicy")
    def get_context_keys_for_custom_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return simulation.keys_for_custom(request)

    @query("GetContextKeysForPrincipalPolicy")
    def get_context_keys_for_principal_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return simulation.keys_for_principal(Book(snapshot, context.account), request)

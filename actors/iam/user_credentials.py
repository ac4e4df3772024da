"""IAM's operations on what users prove themselves with: a part of service.py's table of contents."""

from collections.abc import Mapping
from typing import Any

from actors.iam import access_keys, certificates, mfa, passwords, service_credentials, ssh_keys, tagging, usage
from actors.iam.state import MFA, USER, Book, Record
from actors.iam.vault import Vault
from actors.runtime.actor import operation, query
from actors.runtime.bounded.threads import Threads
from actors.runtime.context import Context
from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import Surroundings

Request = Mapping[str, Any]
Answer = dict[str, Any]


class UserCredentials:
    surroundings: Surroundings
    vault: Vault
    digests: Threads                      # of passwords

    @property
    def shard(self) -> Shard:
        return self.surroundings.shard

    # Access keys

    @operation("CreateAccessKey")
    def create_access_key(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book, user = _owner(context, transaction, request)
        return access_keys.create(book, self.vault, user, context.now)

    @query("ListAccessKeys")
    def list_access_keys(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return access_keys.listed(*_owner(context, snapshot, request), request)

    @operation("UpdateAccessKey")
    def update_access_key(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return access_keys.update(*_owner(context, transaction, request), request)

    @operation("DeleteAccessKey")
    def delete_access_key(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return access_keys.delete(*_owner(context, transaction, request), request)

    @query("GetAccessKeyLastUsed")
    def get_access_key_last_used(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return usage.last_used(Book(snapshot, context.account), snapshot, context, request)

    # Passwords

    @operation("CreateLoginProfile")
    async def create_login_profile(self, context: Context, request: Request) -> Answer:
        return await passwords.create(self.shard, self.digests, context, self._user(context, request), request)

    @operation("UpdateLoginProfile")
    async def update_login_profile(self, context: Context, request: Request) -> Answer:
        return await passwords.update(self.shard, self.digests, context, self._user(context, request), request)

    @operation("ChangePassword")
    async def change_password(self, context: Context, request: Request) -> Answer:
        own = self._user(context, request) if context.principal.name else None
        return await passwords.change(self.shard, self.digests, context, own, request)

    @query("GetLoginProfile")
    def get_login_profile(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return passwords.shown(*_user(context, snapshot, request))

    @operation("DeleteLoginProfile")
    def delete_login_profile(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return passwords.delete(*_user(context, transaction, request))

    @operation("UpdateAccountPasswordPolicy")
    def update_account_password_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return passwords.set_policy(Book(transaction, context.account), request)

    @query("GetAccountPasswordPolicy")
    def get_account_password_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return passwords.shown_policy(Book(snapshot, context.account))

    @operation("DeleteAccountPasswordPolicy")
    def delete_account_password_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return passwords.delete_policy(Book(transaction, context.account))

    # MFA devices

    @operation("CreateVirtualMFADevice")
    def create_virtual_mfa_device(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return mfa.create(Book(transaction, context.account), self.vault, context, request)

    @operation("EnableMFADevice")
    def enable_mfa_device(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return mfa.enable(Book(transaction, context.account), self.vault, context, request)

    @operation("ResyncMFADevice")
    def resync_mfa_device(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return mfa.resync(Book(transaction, context.account), self.vault, context, request)

    @operation("DeactivateMFADevice")
    def deactivate_mfa_device(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return mfa.deactivate(*_user(context, transaction, request), request)

    @operation("DeleteVirtualMFADevice")
    def delete_virtual_mfa_device(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return mfa.delete(Book(transaction, context.account), request)

    @query("GetMFADevice")
    def get_mfa_device(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        return mfa.shown(book, book.get(USER, request["UserName"]) if request.get("UserName") else None, request)

    @query("ListMFADevices")
    def list_mfa_devices(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return mfa.listed(*_owner(context, snapshot, request), request)

    @query("ListVirtualMFADevices")
    def list_virtual_mfa_devices(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return mfa.all_listed(Book(snapshot, context.account), request)

    @operation("TagMFADevice")
    def tag_mfa_device(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.tag(book, book.get_arn(MFA, request["SerialNumber"]), request)

    @operation("UntagMFADevice")
    def untag_mfa_device(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.untag(book, book.get_arn(MFA, request["SerialNumber"]), request)

    @query("ListMFADeviceTags")
    def list_mfa_device_tags(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        return tagging.listed(book.get_arn(MFA, request["SerialNumber"]), request)

    # Service-specific credentials

    @operation("CreateServiceSpecificCredential")
    def create_service_credential(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        user = book.get(USER, request["UserName"])
        return service_credentials.create(book, self.vault, user, request, context.now)

    @query("ListServiceSpecificCredentials")
    def list_service_specific_credentials(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        users = service_credentials.all_users(book) if request.get("AllUsers") else \
            iter((access_keys.user_of(book, context, request),))
        return service_credentials.listed(book, users, request)

    @operation("UpdateServiceSpecificCredential")
    def update_service_credential(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return service_credentials.update(*_user(context, transaction, request), request)

    @operation("ResetServiceSpecificCredential")
    def reset_service_specific_credential(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book, user = _user(context, transaction, request)
        return service_credentials.reset(book, self.vault, user, request)

    @operation("DeleteServiceSpecificCredential")
    def delete_service_credential(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return service_credentials.delete(*_user(context, transaction, request), request)

    # SSH public keys

    @operation("UploadSSHPublicKey")
    def upload_ssh_public_key(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return ssh_keys.upload(book, book.get(USER, request["UserName"]), request, context.now)

    @query("GetSSHPublicKey")
    def get_ssh_public_key(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        return ssh_keys.shown(book, book.get(USER, request["UserName"]), request)

    @query("ListSSHPublicKeys")
    def list_ssh_public_keys(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return ssh_keys.listed(*_user(context, snapshot, request), request)

    @operation("UpdateSSHPublicKey")
    def update_ssh_public_key(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return ssh_keys.update(book, book.get(USER, request["UserName"]), request)

    @operation("DeleteSSHPublicKey")
    def delete_ssh_public_key(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return ssh_keys.delete(book, book.get(USER, request["UserName"]), request)

    # Signing certificates

    @operation("UploadSigningCertificate")
    def upload_signing_certificate(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book, user = _user(context, transaction, request)
        return certificates.upload_signing(book, user, request, context.now)

    @query("ListSigningCertificates")
    def list_signing_certificates(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return certificates.list_signing(*_user(context, snapshot, request), request)

    @operation("UpdateSigningCertificate")
    def update_signing_certificate(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return certificates.update_signing(*_user(context, transaction, request), request)

    @operation("DeleteSigningCertificate")
    def delete_signing_certificate(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return certificates.delete_signing(*_user(context, transaction, request), request)

    def _user(self, context: Context, request: Request) -> Record:
        """Whom the request names, else who asks."""
        found: tuple[Book, Record] = self.shard.read(lambda view: _user(context, view, request))
        return found[1]


def _user(context: Context, view: Snapshot, request: Request) -> tuple[Book, Record]:
    """The account's book, and in it the user a request names, else the one who asks."""
    book = Book(view, context.account)
    return book, access_keys.user_of(book, context, request)


def _owner(context: Context, view: Snapshot, request: Request) -> tuple[Book, Record]:
    """The same, or the root user that asks for itself."""
    book = Book(view, context.account)
    return book, access_keys.owner_of(book, context, request)

"""Passwords, service-specific credentials, SSH keys and certificates.

Expected: IAM's API reference; sentences: localstack's captures of IAM's answers (tests/aws/services/iam).
"""

import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from actors.iam.state import MFA, Book
from bus.virtual_time import run
from tests.actors.iam.caller import open_caller
from tests.actors.sts.skies import Who, skies

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SSH = KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
PEM_KEY = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
OTHER_PEM_KEY = OTHER.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def certificate(number: int = 1) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"server{number}.example")])
    begins = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
            .serial_number(number).not_valid_before(begins).not_valid_after(begins + datetime.timedelta(days=90))
            .sign(KEY, hashes.SHA256()))
    return made.public_bytes(Encoding.PEM).decode()


@pytest.fixture
def iam(tmp_path: Path) -> Any:
    with open_caller(tmp_path) as caller:
        caller.call("CreateUser", UserName="alice")
        yield caller


def test_password_policy(iam: Any) -> None:
    account = iam.account
    assert iam.error("GetAccountPasswordPolicy") == (
        "NoSuchEntity", f"The Password Policy with domain name {account} cannot be found.")
    iam.call("UpdateAccountPasswordPolicy")
    assert iam.call("GetAccountPasswordPolicy")["PasswordPolicy"] == {
        "MinimumPasswordLength": 6, "RequireSymbols": False, "RequireNumbers": False, "ExpirePasswords": False,
        "RequireUppercaseCharacters": False, "RequireLowercaseCharacters": False, "AllowUsersToChangePassword": False}
    iam.call("UpdateAccountPasswordPolicy", MaxPasswordAge=60, HardExpiry=True, RequireSymbols=True)
    shown = iam.call("GetAccountPasswordPolicy")["PasswordPolicy"]
    assert (shown["ExpirePasswords"], shown["MaxPasswordAge"], shown["HardExpiry"]) == (True, 60, True)
    iam.call("DeleteAccountPasswordPolicy")
    assert iam.error("DeleteAccountPasswordPolicy") == (
        "NoSuchEntity", "The account policy with name PasswordPolicy cannot be found.")


# A user changes the own password by proving the old one, where permissions or the account's policy let it.
def test_passwords(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            root, alice = sky.root(), await sky.user("alice")
            weak = await root.error("iam", "CreateLoginProfile", UserName="alice", Password="short")
            assert (weak.error_code, weak.message) == (
                "PasswordPolicyViolation", "Password does not conform to the account password policy.")
            await root.call("iam", "CreateLoginProfile", UserName="alice", Password="Correct-1",
                            PasswordResetRequired=True)
            there = await root.error("iam", "CreateLoginProfile", UserName="alice", Password="Correct-2")
            assert there.message == "Login Profile for user alice already exists."
            change = {"OldPassword": "Correct-1", "NewPassword": "Correct-2"}
            await alice.denied("iam", "ChangePassword", **change)
            await root.call("iam", "UpdateAccountPasswordPolicy", AllowUsersToChangePassword=True,
                            MinimumPasswordLength=8, PasswordReusePrevention=2)
            await alice.call("iam", "ChangePassword", **change)
            profile = (await root.call("iam", "GetLoginProfile", UserName="alice"))["LoginProfile"]
            assert not profile["PasswordResetRequired"]
            assert await alice.denied("iam", "ChangePassword", **change) == "The old password was incorrect."
            back = await alice.error("iam", "ChangePassword", OldPassword="Correct-2", NewPassword="Correct-1")
            assert back.error_code == "PasswordPolicyViolation"
            by_root = await root.error("iam", "ChangePassword", **change)
            assert by_root.error_code == "InvalidUserType"
            assert (await root.error("iam", "DeleteUser", UserName="alice")).error_code == "DeleteConflict"
            await root.call("iam", "DeleteLoginProfile", UserName="alice")
            gone = await root.error("iam", "GetLoginProfile", UserName="alice")
            assert gone.message == "Login Profile for User alice cannot be found."

    run(main())


def test_service_specific_credentials(iam: Any) -> None:
    request = {"UserName": "alice", "ServiceName": "codecommit.amazonaws.com"}
    made = iam.call("CreateServiceSpecificCredential", **request)
    first = made["ServiceSpecificCredential"]
    assert first["ServiceUserName"] == f"alice-at-{iam.account}"
    assert first["ServiceSpecificCredentialId"].startswith("ACCA")
    second = iam.call("CreateServiceSpecificCredential", **request)
    assert second["ServiceSpecificCredential"]["ServiceUserName"] == f"alice+1-at-{iam.account}"
    assert iam.error("CreateServiceSpecificCredential", **request)[0] == "LimitExceeded"
    assert iam.error("CreateServiceSpecificCredential", UserName="alice", ServiceName="s3.amazonaws.com") == (
        "NotSupportedService", "No such service s3.amazonaws.com is supported for Service Specific Credentials")
    identity = first["ServiceSpecificCredentialId"]
    own = {"UserName": "alice", "ServiceSpecificCredentialId": identity}
    again = iam.call("ResetServiceSpecificCredential", **own)
    assert again["ServiceSpecificCredential"]["ServicePassword"] != first["ServicePassword"]
    iam.call("UpdateServiceSpecificCredential", **own, Status="Inactive")
    listed = iam.call("ListServiceSpecificCredentials", AllUsers=True)["ServiceSpecificCredentials"]
    assert sorted(each["Status"] for each in listed) == ["Active", "Inactive"]
    assert "ServicePassword" not in listed[0]
    iam.call("DeleteServiceSpecificCredential", **own)
    assert iam.error("ResetServiceSpecificCredential", **own) == (
        "NoSuchEntity", f"No such credential {identity} exists")


def test_ssh_keys(iam: Any) -> None:
    uploaded = iam.call("UploadSSHPublicKey", UserName="alice", SSHPublicKeyBody=f"{SSH} me@here")["SSHPublicKey"]
    identity = uploaded["SSHPublicKeyId"]
    assert identity.startswith("APKA")
    assert len(uploaded["Fingerprint"]) == 47
    assert iam.error("UploadSSHPublicKey", UserName="alice", SSHPublicKeyBody=SSH)[0] == "DuplicateSSHPublicKey"
    unread = iam.error("UploadSSHPublicKey", UserName="alice", SSHPublicKeyBody="a key")
    assert unread[0] == "UnrecognizedPublicKeyEncoding"
    short = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    for bad in ("ssh-rsa nonsense", short.decode()):
        assert iam.error("UploadSSHPublicKey", UserName="alice", SSHPublicKeyBody=bad)[0] == "InvalidPublicKey"
    pem = iam.call("GetSSHPublicKey", UserName="alice", SSHPublicKeyId=identity, Encoding="PEM")["SSHPublicKey"]
    assert pem["SSHPublicKeyBody"].startswith("-----BEGIN PUBLIC KEY-----")
    iam.call("UpdateSSHPublicKey", UserName="alice", SSHPublicKeyId=identity, Status="Inactive")
    assert [each["Status"] for each in iam.call("ListSSHPublicKeys", UserName="alice")["SSHPublicKeys"]] == ["Inactive"]
    iam.call("DeleteSSHPublicKey", UserName="alice", SSHPublicKeyId=identity)
    assert iam.error("DeleteSSHPublicKey", UserName="alice", SSHPublicKeyId=identity) == (
        "NoSuchEntity", f"The Public Key with id {identity} cannot be found.")


# What stands around a certificate is not given back: terraform's provider, whose acceptance tests run against AWS.
def test_server_certificates(iam: Any) -> None:
    body = certificate()
    assert body.endswith("\n")
    request = {"ServerCertificateName": "web", "Path": "/a/", "CertificateBody": body}
    made = iam.call("UploadServerCertificate", **request, PrivateKey=PEM_KEY, CertificateChain=certificate(2))
    metadata = made["ServerCertificateMetadata"]
    assert metadata["Arn"] == f"arn:aws:iam::{iam.account}:server-certificate/a/web"
    assert metadata["ServerCertificateId"].startswith("ASCA")
    assert metadata["Expiration"].isoformat() == "2026-04-01T00:00:00+00:00"
    shown = iam.call("GetServerCertificate", ServerCertificateName="web")["ServerCertificate"]
    assert (shown["CertificateBody"], shown["CertificateChain"], shown["Tags"]) == (
        body.strip(), certificate(2).strip(), [])
    for key, code in ((OTHER_PEM_KEY, "KeyPairMismatch"), ("key", "MalformedCertificate"),
                      (PEM_KEY, "EntityAlreadyExists")):
        assert iam.error("UploadServerCertificate", **request, PrivateKey=key)[0] == code
    iam.call("UpdateServerCertificate", ServerCertificateName="web", NewServerCertificateName="web2", NewPath="/b/")
    listed = iam.call("ListServerCertificates", PathPrefix="/b/")["ServerCertificateMetadataList"]
    assert [each["ServerCertificateName"] for each in listed] == ["web2"]
    iam.call("DeleteServerCertificate", ServerCertificateName="web2")
    assert iam.error("GetServerCertificate", ServerCertificateName="web2") == (
        "NoSuchEntity", "The Server Certificate with name web2 cannot be found.")


def test_signing_certificates(iam: Any) -> None:
    assert iam.error("UploadSigningCertificate", UserName="alice", CertificateBody="nothing") == (
        "MalformedCertificate", "Certificate nothing is malformed.")
    first = iam.call("UploadSigningCertificate", UserName="alice", CertificateBody=certificate(1))["Certificate"]
    assert iam.error("UploadSigningCertificate", UserName="alice", CertificateBody=certificate(1))[0] == \
        "DuplicateCertificate"
    iam.call("UploadSigningCertificate", UserName="alice", CertificateBody=certificate(2))
    assert iam.error("UploadSigningCertificate", UserName="alice", CertificateBody=certificate(3)) == (
        "LimitExceeded", "Cannot exceed quota for CertificatesPerUser: 2")
    identity = first["CertificateId"]
    iam.call("UpdateSigningCertificate", UserName="alice", CertificateId=identity, Status="Inactive")
    iam.call("DeleteSigningCertificate", UserName="alice", CertificateId=identity)
    assert iam.error("DeleteSigningCertificate", UserName="alice", CertificateId=identity) == (
        "NoSuchEntity", f"The Certificate with id {identity} cannot be found.")
    assert iam.error("DeleteUser", UserName="alice")[0] == "DeleteConflict"


# Name and path together identify a device (API_CreateVirtualMFADevice); records from before, which have their path
# apart, are found by their serial number as ever.
def test_devices_of_one_name(iam: Any) -> None:
    def elder(transaction: Any) -> None:
        Book(transaction, iam.account).create(MFA, "phone", "/elder/", 0.0, user="", enabled=0.0, last=0)

    iam.store.transact(elder)
    for path in ("/", "/a/", "/a/b/"):
        made = iam.call("CreateVirtualMFADevice", VirtualMFADeviceName="tablet", Path=path)["VirtualMFADevice"]
        assert made["SerialNumber"] == f"arn:aws:iam::{iam.account}:mfa{path}tablet"
    for path, name in (("/a/", "tablet"), ("/a/", "Tablet"), ("/elder/", "phone")):
        assert iam.error("CreateVirtualMFADevice", VirtualMFADeviceName=name, Path=path) == (
            "EntityAlreadyExists", "MFA device already exists.")
    listed = iam.call("ListVirtualMFADevices")["VirtualMFADevices"]
    assert [each["SerialNumber"].partition(":mfa")[2] for each in listed] == [
        "/a/b/tablet", "/a/tablet", "/elder/phone", "/tablet"]
    for device in listed:
        iam.call("DeleteVirtualMFADevice", SerialNumber=device["SerialNumber"])
    assert iam.call("ListVirtualMFADevices")["VirtualMFADevices"] == []


# The root user's own keys: without a UserName its operations mean the caller (API_CreateAccessKey), and an account
# without any has an empty list. What is signed with one comes from root, until it is inactive.
def test_keys_of_the_root_user(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            root = sky.root()
            assert (await root.call("iam", "ListAccessKeys"))["AccessKeyMetadata"] == []
            assert (await root.call("iam", "ListMFADevices"))["MFADevices"] == []
            key = (await root.call("iam", "CreateAccessKey"))["AccessKey"]
            identity = key["AccessKeyId"]
            assert (identity[:4], "UserName" in key) == ("AKIA", False)
            own = Who(sky, root.account, identity, key["SecretAccessKey"])
            assert (await own.call("sts", "GetCallerIdentity"))["Arn"] == f"arn:aws:iam::{root.account}:root"
            await own.call("iam", "CreateUser", UserName="alice")
            [listed] = (await own.call("iam", "ListAccessKeys"))["AccessKeyMetadata"]
            assert (listed["AccessKeyId"], listed["Status"]) == (identity, "Active")
            assert (await root.call("iam", "ListAccessKeys", UserName="alice"))["AccessKeyMetadata"] == []
            assert "UserName" not in await root.call("iam", "GetAccessKeyLastUsed", AccessKeyId=identity)
            assert (await root.call("iam", "GetAccountSummary"))["SummaryMap"]["AccountAccessKeysPresent"] == 1
            await root.call("iam", "GenerateCredentialReport")
            report = (await root.call("iam", "GetCredentialReport"))["Content"].decode().splitlines()
            assert report[1].split(",")[8] == "true", report[0].split(",")[8]
            await sky.world.uses.tell(sky.world.transport)
            await root.call("iam", "CreateAccessKey")
            assert (await root.error("iam", "CreateAccessKey")).error_code == "LimitExceeded"
            await root.call("iam", "UpdateAccessKey", AccessKeyId=identity, Status="Inactive")
            assert (await own.error("iam", "ListUsers")).error_code == "InvalidClientTokenId"
            await root.call("iam", "DeleteAccessKey", AccessKeyId=identity)
            assert len((await root.call("iam", "ListAccessKeys"))["AccessKeyMetadata"]) == 1
            other = await sky.root("222222222222").error("iam", "DeleteAccessKey", AccessKeyId=identity)
            assert other.error_code == "NoSuchEntity"

    run(main())

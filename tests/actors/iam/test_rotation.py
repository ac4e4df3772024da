"""The key of the secrets at rest is replaced, and nobody notices but the file."""

from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from actors.iam import rotation
from actors.iam.vault import Vault
from actors.runtime.vault import KEY_BYTES, KEY_FILE
from bus.virtual_time import run
from tests.actors.iam.test_user_credentials import PEM_KEY, certificate
from tests.actors.sts.skies import skies
from tests.actors.sts.test_mfa import code


def test_a_new_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "STEP_SECRETS", 2)

    async def main() -> None:
        async with skies(tmp_path) as sky:
            users = [await sky.user(f"u{number}") for number in range(5)]
            role = await sky.role("r", {"AWS": "*"})
            everyone = [*users, *[await sky.root().assume(role) for _ in range(3)]]
            [iam] = [actor for actor in sky.world.actors if actor.service == "iam"]
            credential = iam.system_answers()["credential"]
            file = iam.surroundings.directory / KEY_FILE
            before = file.read_bytes()
            for _ in range(2):
                count = await iam.system_answers()["rotate"]({})  # type: ignore[misc]
                assert count == {"secrets": 8}
                for who in everyone:
                    answer = credential({"access_key": who.access_key})
                    assert isinstance(answer, dict)
                    assert answer["secret"] == who.secret
            after = file.read_bytes()
            assert before not in after
            assert len(after) == 2 * KEY_BYTES
            await sky.root().assume(role)                         # STS has a vault of its own on the same file
            await sky.root().call("iam", "DeleteAccessKey", UserName="u0", AccessKeyId=users[0].access_key)
            assert credential({"access_key": users[0].access_key}) == {"refused": True}      # still known as ours

    run(main())


# Seeds of MFA devices, Bedrock's keys and private keys of certificates are sealed anew as well.
def test_other_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "STEP_SECRETS", 1)

    async def main() -> None:
        async with skies(tmp_path) as sky:
            root, alice = sky.root(), await sky.user("alice", {"Action": "sts:*", "Resource": "*"})
            made = await root.call("iam", "CreateVirtualMFADevice", VirtualMFADeviceName="phone")
            device, serial = made["VirtualMFADevice"], made["VirtualMFADevice"]["SerialNumber"]
            key = (await root.call("iam", "CreateServiceSpecificCredential", UserName="alice",
                                   ServiceName="bedrock.amazonaws.com"))["ServiceSpecificCredential"]
            await root.call("iam", "UploadServerCertificate", ServerCertificateName="web",
                            CertificateBody=certificate(), PrivateKey=PEM_KEY)
            await root.call("iam", "UpdateServerCertificate", ServerCertificateName="web",
                            NewServerCertificateName="web2")
            [iam] = [actor for actor in sky.world.actors if actor.service == "iam"]
            assert await iam.system_answers()["rotate"]({}) == {"secrets": 4}  # type: ignore[misc]
            answer = iam.system_answers()["credential"]({"access_key": key["ServiceCredentialAlias"]})
            assert isinstance(answer, dict)
            assert b64decode(key["ServiceCredentialSecret"][4:]).decode().endswith(answer["secret"])
            seed = device["Base32StringSeed"]
            await root.call("iam", "EnableMFADevice", UserName="alice", SerialNumber=serial,
                            AuthenticationCode1=code(seed, -2), AuthenticationCode2=code(seed, -1))
            await alice.call("sts", "GetSessionToken", SerialNumber=serial, TokenCode=code(seed))

    run(main())


# Between the new key and the end of sealing anew, both open; whoever has the old key alone opens nothing new.
def test_on_the_way(tmp_path: Path) -> None:
    vault, other = Vault(tmp_path), Vault(tmp_path)
    old_key = (tmp_path / KEY_FILE).read_bytes()
    old = vault.seal_text("secret", "name")
    key_id = vault.new_key_id("AKIA")
    vault.rotate()
    new = other.seal_text("secret", "name")
    assert {vault.open_text(each, "name") for each in (old, new)} == {"secret"}
    vault.rotate()                                                # after a crash: finishes what was begun
    assert other.open_text(old, "name") == "secret"
    vault.forget()
    assert other.open_text(new, "name") == "secret"
    assert other.made(key_id)
    with pytest.raises(InvalidTag):
        other.open_text(old, "name")
    (tmp_path / KEY_FILE).write_bytes(old_key)
    with pytest.raises(InvalidTag):
        Vault(tmp_path).open_text(new, "name")
    (tmp_path / KEY_FILE).write_bytes(old_key[:-1])
    with pytest.raises(ValueError, match="is no file of keys"):
        Vault(tmp_path)



"""MFA devices: enabled with two codes, asked for by policies, good once. Codes come from a second reading of RFC 6238.

Expected: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html.
"""

import base64
import hashlib
import hmac
import struct
from pathlib import Path

from actors.iam import totp
from bus.virtual_time import run
from tests.actors.sts.skies import Sky, Who, skies
from tests.world import ACCOUNT, clock

SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/alice"
WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "NumericLessThan": {"aws:MultiFactorAuthAge": "600"}}


def code(seed: bytes, steps: int = 0) -> str:
    counter = int(clock()) // 30 + steps
    digest = hmac.new(base64.b32decode(seed), struct.pack(">Q", counter), hashlib.sha1).digest()
    at = digest[-1] & 0xF
    return str((struct.unpack(">I", digest[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000).zfill(6)


# The test vectors of RFC 6238, appendix B, their last six digits.
def test_codes() -> None:
    seed = b"12345678901234567890"
    for now, expected in ((59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"),
                          (2_000_000_000, "279037"), (20_000_000_000, "353130")):
        assert totp.code(seed, now // 30) == expected


async def enabled(sky: Sky) -> tuple[Who, bytes]:
    alice = await sky.user("alice", {"Action": "sts:*", "Resource": "*"}, {
        "Action": ["dynamodb:ListTables", "iam:ListUsers"], "Resource": "*", "Condition": WITH_MFA})
    device = (await sky.root().call("iam", "CreateVirtualMFADevice", VirtualMFADeviceName="alice"))["VirtualMFADevice"]
    assert device["SerialNumber"] == SERIAL
    assert device["QRCodePNG"].startswith(b"\x89PNG")
    seed = device["Base32StringSeed"]
    assert len(seed) == 64
    await sky.root().call("iam", "EnableMFADevice", UserName="alice", SerialNumber=SERIAL,
                          AuthenticationCode1=code(seed, -3), AuthenticationCode2=code(seed, -2))
    return alice, seed


def test_a_session_with_mfa(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            alice, seed = await enabled(sky)
            await alice.denied("dynamodb", "ListTables")
            without = sky.session((await alice.call("sts", "GetSessionToken"))["Credentials"])
            await without.denied("dynamodb", "ListTables")
            assert (await without.error("iam", "ListUsers")).error_code == "InvalidClientTokenId"
            good = code(seed)
            answer = await alice.call("sts", "GetSessionToken", SerialNumber=SERIAL, TokenCode=good)
            session = sky.session(answer["Credentials"])
            await session.call("dynamodb", "ListTables")
            await session.call("iam", "ListUsers")
            again = await alice.denied("sts", "GetSessionToken", SerialNumber=SERIAL, TokenCode=good)
            assert again == "MultiFactorAuthentication failed with invalid MFA one time pass code."

    run(main())


# A trust policy that asks for MFA; the role's session has it as well.
def test_a_role_with_mfa(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            alice, seed = await enabled(sky)
            role = await sky.role("safe", {
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/alice"}, "Action": "sts:AssumeRole",
                "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
            }, {"Action": "dynamodb:ListTables", "Resource": "*", "Condition": WITH_MFA})
            members = {"RoleArn": role, "RoleSessionName": "session"}
            await alice.denied("sts", "AssumeRole", **members)
            for wrong, sentence in (
                ({"SerialNumber": SERIAL, "TokenCode": "000000" if code(seed) != "000000" else "000001"},
                 "MultiFactorAuthentication failed with invalid MFA one time pass code."),
                ({"SerialNumber": SERIAL.replace("alice", "bob"), "TokenCode": code(seed)},
                 "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number "
                 "is valid and associated with this user."),
                ({"TokenCode": code(seed)},
                 "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."),
            ):
                assert await alice.denied("sts", "AssumeRole", **members, **wrong) == sentence
            session = await alice.assume(role, SerialNumber=SERIAL, TokenCode=code(seed))
            await session.call("dynamodb", "ListTables")

    run(main())


def test_devices(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            _, seed = await enabled(sky)
            root = sky.root()
            taken = await root.error("iam", "EnableMFADevice", UserName="alice", SerialNumber=SERIAL,
                                     AuthenticationCode1=code(seed), AuthenticationCode2=code(seed, 1))
            assert (taken.error_code, taken.message) == ("EntityAlreadyExists", "MFA Device is already in use.")
            listed = (await root.call("iam", "ListMFADevices", UserName="alice"))["MFADevices"]
            assert [(each["UserName"], each["SerialNumber"]) for each in listed] == [("alice", SERIAL)]
            assigned = (await root.call("iam", "ListVirtualMFADevices", AssignmentStatus="Assigned"))
            assert [each["User"]["UserName"] for each in assigned["VirtualMFADevices"]] == ["alice"]
            for number, expected in ((0, "InvalidAuthenticationCode"), (1, "")):       # in a row, and new
                codes = {"AuthenticationCode1": code(seed), "AuthenticationCode2": code(seed, number)}
                request = {"UserName": "alice", "SerialNumber": SERIAL, **codes}
                if expected:
                    assert (await root.error("iam", "ResyncMFADevice", **request)).error_code == expected
                else:
                    await root.call("iam", "ResyncMFADevice", **request)
            assert (await root.error("iam", "DeleteUser", UserName="alice")).error_code == "DeleteConflict"
            in_use = await root.error("iam", "DeleteVirtualMFADevice", SerialNumber=SERIAL)
            assert in_use.error_code == "DeleteConflict"
            await root.call("iam", "DeactivateMFADevice", UserName="alice", SerialNumber=SERIAL)
            await root.call("iam", "DeleteVirtualMFADevice", SerialNumber=SERIAL)
            gone = await root.error("iam", "DeactivateMFADevice", UserName="alice", SerialNumber=SERIAL)
            assert gone.message == f"MFA Device with serial number {SERIAL} does not exist."

    run(main())

"""bus/nkeys.py against the cryptography library. The doorkeeper with a real broker: tests/sdk/test_direct.py."""

from base64 import b32decode

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.nkeys import SEED_BYTES, Issuer, public_key


@settings(deadline=None, max_examples=20)
@given(st.binary(min_size=SEED_BYTES, max_size=SEED_BYTES))
def test_public_keys(seed: bytes) -> None:
    assert public_key(seed) == Issuer(seed).name
    assert public_key(seed).startswith("A")
    assert len(public_key(seed)) == 56


# The key of RFC 8032's first test vector (section 7.1), in the form nkeys gives it.
def test_a_known_key() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert b32decode(public_key(seed) + "=" * (-56 % 8))[1:33] == key

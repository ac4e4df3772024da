"""AssumeRoleWithWebIdentity: a token of an OpenID Connect provider that IAM knows, verified with the provider's keys.

The only importer of PyJWT. Sources: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif,
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html (tags in tokens).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from actors.iam.state import OIDC, Book, Record
from actors.iam.vault import Vault
from actors.runtime.context import Context
from actors.runtime.store.shard import Shard
from actors.sts import federation, narrowing
from actors.sts.errors import ExpiredTokenException, InvalidIdentityToken, ValidationError
from actors.sts.issuers import Issuers

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
LEEWAY_S = 300                                # of iat and nbf; exp has none
TAGS_CLAIM = "https://aws.amazon.com/tags"
SOURCE_IDENTITY_CLAIM = "https://aws.amazon.com/source_identity"
_NO_JWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"

Request = Mapping[str, Any]
Answer = dict[str, Any]
Claims = dict[str, Any]


class Provider(NamedTuple):
    arn: str
    record: Record

    @property
    def name(self) -> str:
        """Its URL without https://, which begins its condition keys."""
        return str(self.record["name"])


async def assume(shard: Shard, vault: Vault, issuers: Issuers, context: Context, request: Request) -> Answer:
    token = request["WebIdentityToken"]
    if request.get("ProviderId"):
        raise ValidationError("Skybus verifies OpenID Connect tokens, for which ProviderId is not given.")
    claims = _unverified(token)
    provider = shard.read(lambda view: _provider(view, request["RoleArn"], claims))
    audience = _audience(claims, provider)
    await _verify(token, provider, issuers, context.now)

    vouched = _vouched(claims, provider, audience, request)
    answer: Answer = await shard.transact(
        lambda transaction: federation.begin(transaction, vault, context, request, vouched))
    return {**answer, "SubjectFromWebIdentityToken": str(claims.get("sub", "")), "Provider": provider.arn,
            "Audience": audience}


def _unverified(token: str) -> Claims:
    """What the token says, to know whom to ask for the key."""
    import jwt

    try:
        claims: Claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
    except jwt.PyJWTError as error:
        raise InvalidIdentityToken(_NO_JWT) from error
    return claims


def _provider(view: Any, role_arn: str, claims: Claims) -> Provider:
    """The one that the role's account knows by the token's issuer."""
    issuer = str(claims.get("iss", ""))
    parts = role_arn.split(":", 5)
    book = Book(view, parts[4] if len(parts) == 6 else "")
    record = book.find(OIDC, issuer.removeprefix("https://").rstrip("/")) if issuer.startswith("https://") else None
    if record is None:
        raise InvalidIdentityToken(f"No OpenIDConnect provider found in your account for {issuer}")
    return Provider(book.arn(record), record)


def _audience(claims: Claims, provider: Provider) -> str:
    """azp where there is one, as AWS has it; else what of aud is a client of the provider."""
    given = claims.get("aud")
    audiences = [str(claims["azp"])] if claims.get("azp") else given if isinstance(given, list) else [str(given)]
    for audience in audiences:
        if audience in provider.record["clients"]:
            return str(audience)
    raise InvalidIdentityToken("Incorrect token audience")


async def _verify(token: str, provider: Provider, issuers: Issuers, now: float) -> None:
    import jwt

    header = jwt.get_unverified_header(token)
    if header.get("alg") not in ALGORITHMS:
        raise InvalidIdentityToken("Unsupported token signature algorithm")
    key = await issuers.key(provider.name, provider.record["thumbprints"], str(header.get("kid", "")), now)
    try:
        made = jwt.PyJWK(key, algorithm=header["alg"])
        claims = jwt.decode(token, made, algorithms=[header["alg"]], options={
            "verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False})
    except jwt.PyJWTError as error:
        raise InvalidIdentityToken("The token's signature is not valid") from error
    expires, begins = claims.get("exp"), claims.get("nbf", claims.get("iat", 0))
    if not isinstance(expires, int | float) or not isinstance(begins, int | float):
        raise InvalidIdentityToken("Missing a required claim: exp")
    if expires <= now:
        raise ExpiredTokenException(
            f"Token expired: current date/time {int(now)} must be before the expiration date/time {int(expires)}")
    if begins > now + LEEWAY_S:
        raise InvalidIdentityToken("The token is not valid yet")


def _vouched(claims: Claims, provider: Provider, audience: str, request: Request) -> federation.Vouched:
    keys: federation.Keys = {
        f"{provider.name.lower()}:{name.lower()}": value if isinstance(value, str) else tuple(map(str, value))
        for name, value in claims.items() if isinstance(value, str | list) and value
    }
    keys[f"{provider.name.lower()}:aud"] = audience
    identity = claims.get(SOURCE_IDENTITY_CLAIM)
    return federation.Vouched(provider.arn, "sts:AssumeRoleWithWebIdentity", request["RoleSessionName"], keys,
                              _tags(claims), identity if isinstance(identity, str) else "")


def _tags(claims: Claims) -> Answer:
    """{tags, transitive} that the provider put into the token: each value a list of one."""
    given = claims.get(TAGS_CLAIM)
    if not isinstance(given, dict):
        return {"tags": {}, "transitive": []}
    principal = given.get("principal_tags")
    tags = [{"Key": str(name), "Value": str(value[0] if isinstance(value, list) and value else value)}
            for name, value in (principal.items() if isinstance(principal, dict) else ())]
    return narrowing.tags({"Tags": tags, "TransitiveTagKeys": given.get("transitive_tag_keys") or []})

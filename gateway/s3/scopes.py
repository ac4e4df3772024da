"""What S3 says is wrong with how a request names its signer: in an Authorization header, a presigned URL, a form.

The sentences and their order are S3's, as brekkylab/backlot measured them in September 2026 and versitygw's tests have
them. A region is never wrong here: every one is served.
"""

from collections.abc import Collection, Sequence

TERMINAL = "aws4_request"
ONE_SPACE = "Authorization header is invalid -- one and only one ' ' (space) required"
LONG_DATE = "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""
IN_HEADER = "The authorization header is malformed; "
IN_QUERY = "Error parsing the X-Amz-Credential parameter; "

_COMPONENTS = ("Credential", "SignedHeaders", "Signature")
_DAY_DIGITS = 8


def component_fault(components: Sequence[str]) -> str:
    """Of `name=value`, as they stand between commas; "": nothing."""
    if len(components) != len(_COMPONENTS):
        return "the authorization header requires three components: Credential, SignedHeaders, and Signature."
    for component in components:
        if "=" not in component:
            return f'the authorization component "{component}" is malformed.'
    names = {name for name, _, value in (component.partition("=") for component in components) if value}
    return next((f"missing {name}." for name in _COMPONENTS if name not in names), "")


def credential_fault(elements: Sequence[str], services: Collection[str]) -> str:
    """Of a credential's elements, for one of those signing names; "": nothing."""
    if len(elements) != 5:
        return 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
    key, day, region, service, terminal = elements
    if not key:
        return "a non-empty Access Key (AKID) must be provided in the credential."
    if not region:
        return "a non-empty region must be provided in the credential."
    if service not in services:
        return f'incorrect service "{service}". This endpoint belongs to "s3".'
    if terminal != TERMINAL:
        return f'incorrect terminal "{terminal}". This endpoint uses "{TERMINAL}".'
    if not (len(day) == _DAY_DIGITS and day.isascii() and day.isdigit()):
        return f'incorrect date format "{day}". This date in the credential must be in the format "yyyyMMdd".'
    return ""

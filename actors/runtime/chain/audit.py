"""Audit: every management call and every refusal as CloudTrail's event, in the local journal before its answer.

As CloudTrail does by default, operations on the data inside a resource are not recorded, unless a trail's selectors
want them or they are refused. What events hold and how they travel: actors/runtime/audit/.
"""

from actors.runtime.audit.event import events_of
from actors.runtime.audit.journal import Journal
from actors.runtime.audit.operations import is_data_operation
from actors.runtime.audit.selectors import Interests
from actors.runtime.chain.call import OK, Call, Link

# Codes that say "you may not", of all services (schemas/errors.py, schemas/dialects.py).
REFUSALS = frozenset({
    "AccessDenied", "AccessDeniedException", "AuthFailure", "ExpiredToken", "ExpiredTokenException",
    "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSignatureException",
    "MissingAuthenticationToken", "SignatureDoesNotMatch", "UnauthorizedOperation", "UnrecognizedClientException",
})


class Audit(Link):
    def __init__(self, journal: Journal, interests: Interests | None = None) -> None:
        self._append = journal.append
        self._interests = interests or Interests()

    def leave(self, call: Call) -> None:
        if is_data_operation(call.context.operation) and (call.outcome == OK or call.outcome not in REFUSALS):
            interests = self._interests
            if not interests.wanted or not interests.include(call):
                return
        for event in events_of(call):
            self._append(event)

"""What every request passes on its way to an operation and back, one link a file, outermost first:

    trace, audit, meter, errors, limit, validate, authorise

A link is synchronous and never waits: an operation may answer much later, after its commit. Audit stands outside
authorise because denials matter most; errors stands inside audit and meter, which therefore see the answer.
"""

from actors.runtime.chain.call import OK, Call, Link
from actors.runtime.chain.weave import Chain, weave

__all__ = ["OK", "Call", "Chain", "Link", "weave"]

"""The policy engine: documents in, decisions out. Knows no request, no store, no service; DESIGN.md says why.

    document = compile_document(text, Use.IDENTITY)             MalformedPolicy, with IAM's words
    decide(caller, question, resource_policy)                   -> Decision
"""

from actors.runtime.policy.decision import Caller, Decision, Level, Named, Question, Strength, decide
from actors.runtime.policy.document import Document, Policy, compile_document
from actors.runtime.policy.grammar import (
    InvalidPrincipal,
    MalformedPolicy,
    StatementSource,
    UnknownOperator,
    Use,
    parse,
    size_of,
)

__all__ = [
    "Caller", "Decision", "Document", "InvalidPrincipal", "Level", "MalformedPolicy", "Named", "Policy", "Question",
    "StatementSource", "Strength", "UnknownOperator", "Use", "compile_document", "decide", "parse", "size_of",
]

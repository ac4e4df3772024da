"""The policy simulators: what-if questions, answered by the engine that decides real ones.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from actors.iam import documents, organization, positions
from actors.iam.errors import InvalidInput, NoSuchEntity
from actors.iam.exclusions import Exclusions
from actors.iam.paging import Answer, after, page
from actors.iam.state import GROUP, ROLE, USER, Book, Record
from actors.runtime.policy import (
    Caller,
    Decision,
    Level,
    MalformedPolicy,
    Policy,
    Question,
    Use,
    compile_document,
    decide,
)

ORGANIZATION_LEVELS_LIMIT = 7                 # root, five levels of units, the account
QUESTIONS_LIMIT = 10_000                      # actions times resources of one request
DOCUMENTS_LIMIT_CHARACTERS = 262_144          # all the policies that a request brings

Request = Mapping[str, Any]

# What a simulated RunInstances needs, by ResourceHandlingOption.
_VPC = ("instance", "image", "security-group", "network-interface")
_SCENARIOS = {
    "EC2-VPC-InstanceStore": _VPC, "EC2-VPC-InstanceStore-Subnet": (*_VPC, "subnet"),
    "EC2-VPC-EBS": (*_VPC, "volume"), "EC2-VPC-EBS-Subnet": (*_VPC, "subnet", "volume"),
}
_SOURCE_TYPES = {Level.RESOURCE: "Resource Policy", Level.BOUNDARY: "PermissionsBoundary"}


def custom(book: Book, request: Request) -> Answer:
    """SimulateCustomPolicy: the policies are in the request."""
    arn = request.get("CallerArn") or f"arn:aws:iam::{book.account}:user/simulated"
    return _answer(request, _caller(arn, _inputs(request, "PolicyInputList"), _boundary(request)))


def principal(book: Book, request: Request) -> Answer:
    """SimulatePrincipalPolicy: a user's, group's or role's own, and what the request adds."""
    source = request["PolicySourceArn"]
    record = find_principal(book, source)
    excluded = Exclusions(request.get("PolicyExclusionList") or ())
    own = [Policy(held.source, compile_document(held.text)) for held in documents.held_by(book, record)
           if not excluded.leaves_out(held)]
    boundary = _boundary(request)
    if boundary is None and record.get("boundary") and not excluded.boundary:
        boundary = documents.managed_policy(book, record["boundary"])
    caller = _caller(request.get("CallerArn") or source, [*own, *_inputs(request, "PolicyInputList")], boundary)
    levels = [] if excluded.scps else organization.levels(book)
    scps = [[Policy(name, _compiled(text)) for name, text in level] for level in levels]
    return _answer(request, replace(caller, scps=scps))


def find_principal(book: Book, arn: str) -> Record:
    parts = arn.split(":", 5)
    kind, _, rest = parts[-1].partition("/")
    if len(parts) != 6 or kind not in (USER, GROUP, ROLE) or not rest:
        raise InvalidInput(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    record = book.find_arn(kind, arn)
    if record is None:
        raise NoSuchEntity(f"The {kind} with name {rest.rpartition('/')[2]} cannot be found.")
    return record


def _inputs(request: Request, member: str) -> list[Policy]:
    if sum(map(len, request.get(member) or ())) > DOCUMENTS_LIMIT_CHARACTERS:
        raise InvalidInput(f"A simulation takes at most {DOCUMENTS_LIMIT_CHARACTERS} characters of policies.")
    return [Policy(f"{member}.{number}", _compiled(text))
            for number, text in enumerate(request.get(member) or (), start=1)]


def _boundary(request: Request) -> Policy | None:
    given = _inputs(request, "PermissionsBoundaryPolicyInputList")
    if len(given) > 1:
        raise InvalidInput("Only one permissions boundary policy may be simulated.")
    return given[0] if given else None


def _compiled(text: str, use: Use = Use.IDENTITY) -> Any:
    try:
        return compile_document(text, use)
    except MalformedPolicy as error:
        raise InvalidInput(f"Invalid input for parameter: {error}") from error


def _caller(arn: str, identity: Sequence[Policy], boundary: Policy | None) -> Caller:
    parts = arn.split(":", 5)
    if len(parts) != 6 or len(parts[4]) != 12:
        raise InvalidInput(f"Invalid caller ARN: {arn}")
    if parts[5] == "root":
        return Caller.account_root(parts[4], boundary=boundary)
    if parts[5].startswith("assumed-role/"):
        role = f"arn:{parts[1]}:iam::{parts[4]}:role/{parts[5].split('/')[1]}"
        return Caller.role_session(parts[4], arn, role, identity=identity, boundary=boundary)
    if parts[5].startswith("role/"):
        session = f"arn:{parts[1]}:sts::{parts[4]}:assumed-role/{parts[5].rpartition('/')[2]}/simulated"
        return Caller.role_session(parts[4], session, arn, identity=identity, boundary=boundary)
    return Caller.user(parts[4], arn, identity=identity, boundary=boundary)


def _answer(request: Request, caller: Caller) -> Answer:
    caller = _under_organization(caller, request)
    actions, resources = request["ActionNames"], request.get("ResourceArns") or ["*"]
    _check_scenario(request.get("ResourceHandlingOption"), resources)
    if len(actions) * len(resources) > QUESTIONS_LIMIT:
        raise InvalidInput(f"A simulation answers at most {QUESTIONS_LIMIT} questions.")
    text = request.get("ResourcePolicy")
    resource_policy = Policy("ResourcePolicy", _compiled(text, Use.RESOURCE)) if text else None
    owner = _owner(request.get("ResourceOwner") or "")
    keys = _keys(request.get("ContextEntries") or ())
    policies, start = _policies(caller, resource_policy), after(request)

    def shown(pair: tuple[str, str]) -> Answer:
        decision = decide(caller, Question(*pair, keys, owner), resource_policy)
        return _result(pair, decision, caller, Question(*pair, keys), policies)

    pairs = ((f"{number:05}", pair) for number, pair in enumerate((a, r) for a in actions for r in resources))
    return page("EvaluationResults", (row for row in pairs if row[0] > start), request, shown)


def _check_scenario(option: str | None, resources: Sequence[str]) -> None:
    """InvalidInput for an unknown one, and where a resource is missing that it needs."""
    if option is None:
        return
    if option not in _SCENARIOS:
        raise InvalidInput(f"Invalid resource handling option: {option}")
    given = {arn.split(":", 5)[5].partition("/")[0] for arn in resources if arn.startswith("arn:") and ":ec2:" in arn
             and arn.count(":") >= 5}
    missing = [kind for kind in _SCENARIOS[option] if kind not in given]
    if missing:
        raise InvalidInput(f"Resource handling option {option} requires resources of these types: {', '.join(missing)}")


def _under_organization(caller: Caller, request: Request) -> Caller:
    levels = request.get("OrderedOrganizationPolicyInputList")
    if not levels:
        return caller
    scps = []
    if len(levels) > ORGANIZATION_LEVELS_LIMIT:
        raise InvalidInput(f"An organization has at most {ORGANIZATION_LEVELS_LIMIT} levels.")
    for number, level in enumerate(levels, start=1):
        given = _inputs(level, "ServiceControlPolicyInputList")
        scps.append([policy._replace(name=f"OrganizationPolicy.{number}.{policy.name}") for policy in given])
    return replace(caller, scps=scps)


def _owner(arn: str) -> str:
    """An account from its number or a root's ARN."""
    return arn.split(":")[4] if arn.count(":") >= 5 else arn


def _keys(entries: Sequence[Mapping[str, Any]]) -> dict[str, str | tuple[str, ...]]:
    keys: dict[str, str | tuple[str, ...]] = {}
    for entry in entries:
        name, values = entry.get("ContextKeyName"), entry.get("ContextKeyValues") or []
        if not name:
            raise InvalidInput("A context entry must have a ContextKeyName.")
        several = str(entry.get("ContextKeyType", "string")).endswith("List")
        if values:
            keys[name.lower()] = tuple(values) if several or len(values) > 1 else values[0]
    return keys


def _policies(caller: Caller, resource_policy: Policy | None) -> list[Policy]:
    """All that have a say."""
    return [*caller.identity, *([caller.boundary] if caller.boundary else []),
            *(policy for level in caller.scps for policy in level), *([resource_policy] if resource_policy else [])]


def _missing(policies: Sequence[Policy], question: Question) -> list[str]:
    """The context keys that statements about the action ask for, and the simulation has no values of."""
    found: dict[str, str] = {}
    for policy in policies:
        for statements in policy.document.concerning(question.action):
            found |= {key.lower(): key for statement in statements for key in statement.keys}
    return sorted(key for folded, key in found.items() if question.keys.get(folded) is None)


def _matched(decision: Decision, policies: Sequence[Policy]) -> list[Answer]:
    """The statement that decided, with its place in its policy's text; none where none did."""
    if decision.policy is None or decision.statement is None:
        return []
    shown: Answer = {"SourcePolicyId": decision.policy,
                     "SourcePolicyType": _SOURCE_TYPES.get(decision.level, "IAM Policy")}
    text = next((policy.document.text for policy in policies if decision.statement in policy.document.statements), None)
    return [{**shown, **positions.statement(text, decision.statement.index)} if text is not None else shown]


def _result(
    pair: tuple[str, str], decision: Decision, caller: Caller, question: Question, policies: Sequence[Policy]
) -> Answer:
    verdict = "allowed" if decision.allowed else "explicitDeny" if decision.explicit else "implicitDeny"
    shown: Answer = {
        "EvalActionName": pair[0], "EvalResourceName": pair[1], "EvalDecision": verdict,
        "MatchedStatements": _matched(decision, policies), "MissingContextValues": _missing(policies, question),
    }
    if caller.boundary is not None:
        alone = replace(caller, identity=[caller.boundary], boundary=None, scps=(), root=False)
        shown["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": decide(alone, question).allowed}
    if caller.scps:
        by_scps = decide(replace(caller, identity=(), boundary=None, root=True), question).allowed
        shown["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": by_scps}
    return shown


def context_keys(policies: Sequence[Policy]) -> Answer:
    return {"ContextKeyNames": sorted(set().union(*(policy.document.keys() for policy in policies)))}


def keys_for_custom(request: Request) -> Answer:
    return context_keys(_inputs(request, "PolicyInputList"))


def keys_for_principal(book: Book, request: Request) -> Answer:
    own = documents.policies_of(book, find_principal(book, request["PolicySourceArn"]))
    return context_keys([*own, *_inputs(request, "PolicyInputList")])

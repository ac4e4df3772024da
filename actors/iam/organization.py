"""What an account's organization allows it at most: its service control policies, level by level.

The rows are the organizations service's (actors/organizations/state.py), which shares this shard:

    \\0 member \\0 <account>                         {organization, master} of an account that is in one
    master \\0 node \\0 <id>                          a root, organizational unit or account: {type, parent, policies …}
    master \\0 scp \\0 <id>                           a policy: {name, content …}
"""

from actors.iam.state import Book, Record

SCP = "SERVICE_CONTROL_POLICY"
FULL_ACCESS_ID = "p-FullAWSAccess"
FULL_ACCESS = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
DEPTH_LIMIT = 7                               # a root, five levels of units, an account


def keys(book: Book) -> dict[str, str]:
    """aws:PrincipalOrgID and aws:PrincipalOrgPaths of an account's principals; none outside of organizations."""
    member = book.elsewhere("").row("member", book.account)
    if member is None:
        return {}
    above = "/".join([member["organization"], *(node["id"] for node in _path(book, member["master"])[:-1])])
    return {"aws:principalorgid": member["organization"], "aws:principalorgpaths": f"{above}/"}


def _path(book: Book, master: str) -> list[Record]:
    """The organization's nodes from the root down to the book's account."""
    owner = book.elsewhere(master)
    path: list[Record] = []
    node = owner.row("node", book.account)
    while node is not None and len(path) < DEPTH_LIMIT:
        path.insert(0, node)
        node = owner.row("node", node["parent"]) if node["parent"] else None
    return path


def levels(book: Book) -> list[list[list[str]]]:
    """[[name, document], …] of each level from the root down to the book's account; none where nothing limits it:
    outside of organizations, in a management account, where service control policies are not enabled."""
    member = book.elsewhere("").row("member", book.account)
    if member is None or member["master"] == book.account:
        return []
    owner = book.elsewhere(member["master"])
    path = _path(book, member["master"])
    if not path or SCP not in path[0].get("enabled", ()):
        return []
    return [[_text(owner, identity) for identity in node["policies"]] for node in path]


def _text(owner: Book, identity: str) -> list[str]:
    if identity == FULL_ACCESS_ID:
        return ["FullAWSAccess", FULL_ACCESS]
    policy = owner.row("scp", identity)
    assert policy is not None, identity
    return [policy["name"], policy["content"]]


def is_closed(book: Book) -> bool:
    """Was the account closed? Then nobody of it may anything."""
    member = book.elsewhere("").row("member", book.account)
    node = None if member is None else book.elsewhere(member["master"]).row("node", book.account)
    return node is not None and node["status"] != "ACTIVE"

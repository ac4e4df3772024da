"""CPU time of one decision: `python -m tests.load.bench_policy`. Prints microseconds per call."""

import json
from time import process_time

from actors.runtime.policy import Caller, Policy, Question, compile_document, decide

ROUNDS = 200_000
TABLE = "arn:aws:dynamodb:us-east-1:111111111111:table/users"


def policy(**elements: object) -> Policy:
    statement = {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": TABLE, **elements}
    return Policy("p", compile_document(json.dumps({"Version": "2012-10-17", "Statement": [statement]})))


CASES = {
    "one statement, its ARN": [policy()],
    "wildcards in action and ARN": [policy(Action="dynamodb:*Item", Resource="arn:aws:dynamodb:*:*:table/u*")],
    "a variable in the ARN": [policy(Resource="arn:aws:dynamodb:*:*:table/${aws:username}")],
    "two conditions": [policy(Condition={"StringEquals": {"aws:username": "users"},
                                         "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})],
    "the last of ten policies": [policy(Action="s3:*")] * 9 + [policy()],
}


def main() -> None:
    keys = {"aws:username": "users", "aws:sourceip": "10.1.2.3"}
    for name, policies in CASES.items():
        caller = Caller.user("111111111111", "arn:aws:iam::111111111111:user/users", identity=policies)
        started = process_time()
        for _ in range(ROUNDS):
            assert decide(caller, Question("dynamodb:PutItem", TABLE, keys)).allowed
        print(f"{name:30} {(process_time() - started) / ROUNDS * 1e6:6.2f} us")


if __name__ == "__main__":
    main()

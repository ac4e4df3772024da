"""An unmodified boto3 program against Bedrock: streams parse, errors are exceptions, API keys open the door.

Expectations are AWS's documented behaviour; the model is the echo, which says what it is told.
"""

import base64
import contextlib
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any, Literal

import boto3
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import EventStreamError

from actors.runtime.inference.catalogue import TINY_FILE, TINY_ID
from actors.runtime.inference.training import trainer
from tests import servers
from tests.waiting import until

PATIENCE_S = 120.0                        # for a training
ECHO = "skybus.echo-v1"


Name = Literal["bedrock", "bedrock-runtime", "iam", "s3"]


def client(skybus: servers.Server, service: Name, account: str = "") -> Any:
    """Of an account of its own, by its 12-digit key, unless one is named."""
    account = account or f"{uuid.uuid4().int % 10**12:012}"
    return boto3.Session(account, "any", region_name="us-east-1").client(service, endpoint_url=skybus.endpoint)


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": text}]}]


def test_converse(skybus: servers.Server) -> None:
    runtime = client(skybus, "bedrock-runtime")
    answer = runtime.converse(modelId=ECHO, messages=user("one two"))
    assert answer["output"]["message"]["content"] == [{"text": "one two"}]
    assert answer["usage"] == {"inputTokens": 2, "outputTokens": 2, "totalTokens": 4}
    arn = f"arn:aws:bedrock:us-east-1::foundation-model/{ECHO}"           # slashes and colons in the path
    with contextlib.closing(runtime.converse_stream(modelId=arn, messages=user("one two"))["stream"]) as stream:
        events = list(stream)
    assert [next(iter(event)) for event in events] == [
        "messageStart", "contentBlockDelta", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"]
    with pytest.raises(runtime.exceptions.ValidationException) as caught:
        runtime.converse_stream(modelId="no.such-v1", messages=user("x"))
    assert caught.value.response["Error"]["Message"] == "The provided model identifier is invalid."
    assert runtime.count_tokens(modelId=ECHO, input={"converse": {"messages": user("a b c")}})["inputTokens"] == 3


# A model that fails on the way: what it said arrives, then the exception.
def test_failure_on_the_way(skybus: servers.Server) -> None:
    runtime = client(skybus, "bedrock-runtime")
    stream = runtime.converse_stream(modelId=ECHO, messages=user("!fail 1\none two"))["stream"]
    seen: list[Any] = []
    with contextlib.closing(stream), pytest.raises(EventStreamError, match="The script says: fail"):
        _read(stream, seen)
    assert "contentBlockDelta" in seen[-1]


def _read(stream: Any, seen: list[Any]) -> None:
    for event in stream:
        seen.append(event)  # noqa: PERF402  - what came before an error is kept


def test_invoke(skybus: servers.Server) -> None:
    runtime = client(skybus, "bedrock-runtime")
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [
        {"role": "user", "content": "one two"}]})
    answer = runtime.invoke_model(modelId=ECHO, body=body)
    assert json.loads(answer["body"].read())["content"][0]["text"] == "one two"
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["x-amzn-bedrock-input-token-count"], headers["x-amzn-bedrock-output-token-count"]) == ("2", "2")
    stream = runtime.invoke_model_with_response_stream(modelId=ECHO, body=body)
    assert stream["contentType"] == "application/json"
    with contextlib.closing(stream["body"]) as parts:
        chunks = [json.loads(event["chunk"]["bytes"]) for event in parts]
    assert [chunk["delta"]["text"] for chunk in chunks if chunk["type"] == "content_block_delta"] == ["one", " two"]
    assert chunks[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 2
    with pytest.raises(runtime.exceptions.ValidationException):
        runtime.invoke_model_with_response_stream(modelId=ECHO, body=b"{}")


def test_guardrail(skybus: servers.Server) -> None:
    account = f"{uuid.uuid4().int % 10**12:012}"
    control, runtime = client(skybus, "bedrock", account), client(skybus, "bedrock-runtime", account)
    made = control.create_guardrail(
        name="g", blockedInputMessaging="no", blockedOutputsMessaging="no",
        wordPolicyConfig={"wordsConfig": [{"text": "secret"}]})
    version = control.create_guardrail_version(guardrailIdentifier=made["guardrailId"])["version"]
    applied = runtime.apply_guardrail(
        guardrailIdentifier=made["guardrailArn"], guardrailVersion=version, source="INPUT",
        content=[{"text": {"text": "a secret"}}])
    assert (applied["action"], applied["outputs"]) == ("GUARDRAIL_INTERVENED", [{"text": "no"}])
    config = {"guardrailIdentifier": made["guardrailId"], "guardrailVersion": version}
    assert runtime.converse(modelId=ECHO, messages=user("secret"), guardrailConfig=config)["stopReason"] == \
        "guardrail_intervened"


def ended(ask: Callable[[], dict[str, Any]], *running: str) -> dict[str, Any]:
    def told() -> dict[str, Any]:
        got = ask()
        return {} if got["status"] in running else got

    return until(told, patience_s=PATIENCE_S)


# Batches and asynchronous invocations read and write S3 as who started them, model imports copy from it.
def test_objects(skybus: servers.Server) -> None:
    account = f"{uuid.uuid4().int % 10**12:012}"
    control, runtime = client(skybus, "bedrock", account), client(skybus, "bedrock-runtime", account)
    s3 = client(skybus, "s3", account)
    bucket = f"b{account}"
    s3.create_bucket(Bucket=bucket)
    chat = {"messages": [{"role": "user", "content": "one two"}]}
    s3.put_object(Bucket=bucket, Key="in/a.jsonl", Body=json.dumps({"recordId": "r", "modelInput": chat}).encode())
    job = control.create_model_invocation_job(
        jobName="j", roleArn=f"arn:aws:iam::{account}:role/r", modelId=ECHO,
        inputDataConfig={"s3InputDataConfig": {"s3Uri": f"s3://{bucket}/in/"}},
        outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{bucket}/out/"}})["jobArn"]
    got = ended(lambda: control.get_model_invocation_job(jobIdentifier=job), "Submitted", "Validating", "InProgress")
    assert (got["status"], got["successRecordCount"]) == ("Completed", 1), got
    key = f"out/{job.rpartition('/')[2]}/a.jsonl.out"
    answer = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    assert answer["modelOutput"]["choices"][0]["message"]["content"] == "one two"
    arn = runtime.start_async_invoke(modelId=ECHO, modelInput=chat, outputDataConfig={
        "s3OutputDataConfig": {"s3Uri": f"s3://{bucket}/async"}})["invocationArn"]
    got = ended(lambda: runtime.get_async_invoke(invocationArn=arn), "InProgress")
    assert got["status"] == "Completed", got
    assert s3.head_object(Bucket=bucket, Key=f"async/{arn.rpartition('/')[2]}/output.json")["ContentLength"] > 0
    s3.put_object(Bucket=bucket, Key="model/m.gguf", Body=b"no model" * 2_000_000)       # 16 MB: more than one range
    job = control.create_model_import_job(
        jobName="i", importedModelName="m", roleArn=f"arn:aws:iam::{account}:role/r",
        modelDataSource={"s3DataSource": {"s3Uri": f"s3://{bucket}/model/"}})["jobArn"]
    got = ended(lambda: control.get_model_import_job(jobIdentifier=job), "InProgress")
    assert (got["status"], got["failureMessage"]) == ("Failed", "m.gguf is not a GGUF file.")


# A user may ask the models that its policy names, and its guardrails only where it may apply them.
def test_permissions(skybus: servers.Server) -> None:
    account = f"{uuid.uuid4().int % 10**12:012}"
    iam, control = client(skybus, "iam", account), client(skybus, "bedrock", account)
    guardrail = control.create_guardrail(
        name="g", blockedInputMessaging="no", blockedOutputsMessaging="no",
        wordPolicyConfig={"wordsConfig": [{"text": "secret"}]})["guardrailId"]
    iam.create_user(UserName="alice")
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "bedrock:InvokeModel*",
            "Resource": f"arn:aws:bedrock:*::foundation-model/{ECHO}"}]}))
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    runtime = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1").client(
        "bedrock-runtime", endpoint_url=skybus.endpoint)
    assert runtime.converse(modelId=ECHO, messages=user("hi"))["stopReason"] == "end_turn"
    with pytest.raises(runtime.exceptions.AccessDeniedException) as caught:
        runtime.converse(modelId="skybus.tiny-toy-v1", messages=user("hi"))
    assert caught.value.response["Error"]["Message"] == (
        f"User: arn:aws:iam::{account}:user/alice is not authorized to perform: bedrock:InvokeModel on resource: "
        "arn:aws:bedrock:us-east-1::foundation-model/skybus.tiny-toy-v1 because no identity-based policy allows the "
        "bedrock:InvokeModel action")
    config = {"guardrailIdentifier": guardrail, "guardrailVersion": "DRAFT"}
    with pytest.raises(runtime.exceptions.AccessDeniedException, match="bedrock:ApplyGuardrail"):
        runtime.converse(modelId=ECHO, messages=user("hi"), guardrailConfig=config)


def short_term_key(access_key: str = "test", secret: str = "test", expires: int = 600) -> str:
    """As AWS's aws-bedrock-token-generator makes it."""
    request = AWSRequest("POST", "https://bedrock.amazonaws.com/", headers={"host": "bedrock.amazonaws.com"},
                         params={"Action": "CallWithBearerToken"})
    SigV4QueryAuth(Credentials(access_key, secret), "bedrock", "us-east-1", expires=expires).add_auth(request)
    url = str(request.url).replace("https://", "") + "&Version=1"
    return "bedrock-api-key-" + base64.b64encode(url.encode()).decode()


def post(skybus: servers.Server, path: str, body: dict[str, Any], **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(f"{skybus.endpoint}{path}", json.dumps(body).encode(), {
        "content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


# API keys without a signature (botocore itself sends them over HTTPS alone, other clients here too).
def test_api_keys(skybus: servers.Server) -> None:
    path, body = f"/model/{ECHO}/converse", {"messages": user("hi")}
    status, answer = post(skybus, path, body, authorization=f"Bearer {short_term_key()}")
    assert (status, json.loads(answer)["stopReason"]) == (200, "end_turn")
    for key in (short_term_key(secret="wrong"), short_term_key(expires=-600), "bedrock-api-key-????"):
        status, answer = post(skybus, path, body, authorization=f"Bearer {key}")
        assert (status, json.loads(answer)["message"]) == (
            403, "Authentication failed: Please make sure your API Key is valid.")
    long_term = "ABSK" + base64.b64encode(b"BedrockAPIKey-abcd-at-000000000000:secret").decode()
    status, answer = post(skybus, path, body, authorization=f"Bearer {long_term}")
    assert status == 200                                                  # in open mode, a key nobody knows is root


# OpenAI's and Anthropic's paths: whole, streamed as server-sent events, refused in their own words.
def test_doors(skybus: servers.Server) -> None:
    chat = {"model": ECHO, "messages": [{"role": "user", "content": "one two"}]}
    key = {"authorization": f"Bearer {short_term_key()}"}
    for path in ("/openai/v1/chat/completions", "/v1/chat/completions"):
        status, body = post(skybus, path, chat, **key)
        assert (status, json.loads(body)["choices"][0]["message"]["content"]) == (200, "one two")
    status, body = post(skybus, "/openai/v1/chat/completions", {**chat, "stream": True}, **key)
    events = [line.removeprefix("data: ") for line in body.decode().split("\n\n") if line]
    assert events[-1] == "[DONE]"
    texts = [choice["delta"].get("content", "") for event in events[:-1] for choice in json.loads(event)["choices"]]
    assert "".join(texts) == "one two"
    status, body = post(skybus, "/openai/v1/chat/completions", {**chat, "model": "no.such"}, **key)
    assert (status, json.loads(body)["error"]["code"]) == (400, "ValidationException")
    status, body = post(skybus, "/anthropic/v1/messages", {**chat, "max_tokens": 9}, x_api_key=short_term_key())
    assert (status, json.loads(body)["content"][0]["text"]) == (200, "one two")
    status, body = post(skybus, "/anthropic/v1/messages", {**chat, "max_tokens": 9, "stream": True}, **key)
    assert body.startswith(b"event: message_start\ndata: ")
    assert b"event: message_stop" in body
    status, body = post(skybus, "/anthropic/v1/messages", {"model": ECHO}, **key)
    assert json.loads(body)["error"]["type"] == "invalid_request_error"
    request = urllib.request.Request(f"{skybus.endpoint}/openai/v1/models", headers=key)
    with urllib.request.urlopen(request) as answer:
        assert ECHO in [model["id"] for model in json.load(answer)["data"]]


TINY = "skybus.tiny-toy-v1"
LOOK: dict[str, Any] = {"toolSpec": {"name": "look", "inputSchema": {"json": {
    "type": "object", "properties": {"where": {"enum": ["here", "there"]}, "times": {"type": "integer"}},
    "required": ["where", "times"]}}}}


# The model in the box, a real engine: it counts as its tokenizer does, streams, and is held to tools and schemas.
def test_the_model_in_the_box(skybus: servers.Server) -> None:
    runtime = client(skybus, "bedrock-runtime")
    asked: dict[str, Any] = {"modelId": TINY, "messages": user("What is a list?")}
    counted = runtime.count_tokens(modelId=TINY, input={"converse": {"messages": asked["messages"]}})["inputTokens"]
    answer = runtime.converse(**asked, inferenceConfig={"maxTokens": 12, "temperature": 0})
    usage = answer["usage"]
    assert usage["inputTokens"] == counted
    long: Any = [{"role": "user", "content": [
        {"text": "word " * 200}, {"cachePoint": {"type": "default"}}, {"text": "?"}]}]
    written, read = (runtime.converse(modelId=TINY, messages=long, inferenceConfig={"maxTokens": 1})["usage"]
                     for _ in range(2))
    assert written["cacheWriteInputTokens"] > 200
    assert read["cacheReadInputTokens"] > 200 > read["cacheWriteInputTokens"]
    assert (answer["stopReason"], usage["outputTokens"]) == ("max_tokens", 12)
    with contextlib.closing(runtime.converse_stream(
            **asked, inferenceConfig={"maxTokens": 12, "temperature": 0})["stream"]) as stream:
        events = list(stream)
    text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    assert text == answer["output"]["message"]["content"][0]["text"]
    answer = runtime.converse(**asked, toolConfig={"tools": [LOOK], "toolChoice": {"any": {}}})
    [call] = [block["toolUse"] for block in answer["output"]["message"]["content"] if "toolUse" in block]
    assert call["name"] == "look"
    assert call["input"]["where"] in ("here", "there")
    assert isinstance(call["input"]["times"], int)
    body = json.dumps({"inputText": "a list", "normalize": True})
    vector = json.loads(runtime.invoke_model(modelId=TINY, body=body)["body"].read())["embedding"]
    assert sum(part * part for part in vector) == pytest.approx(1, abs=1e-3)


def test_a_models_process_listens_nowhere(skybus: servers.Server) -> None:
    """llama.cpp is a server; what nobody authorises must not be reached through it. (Its socket is a file, 0700.)"""
    client(skybus, "bedrock-runtime").converse(modelId=TINY, messages=user("hello"), inferenceConfig={"maxTokens": 1})
    models = [process for process in skybus.root.children(recursive=True) if "model" in process.cmdline()]
    assert models
    open_ports = [each for process in models for each in process.net_connections("inet") if each.status == "LISTEN"]
    assert open_ports == []


# Weights that somebody brings: imported from S3, answered under the imported model's ARN, gone when deleted.
def test_an_imported_model(skybus: servers.Server) -> None:
    account = f"{uuid.uuid4().int % 10**12:012}"
    control, runtime = client(skybus, "bedrock", account), client(skybus, "bedrock-runtime", account)
    s3 = client(skybus, "s3", account)
    bucket = f"b{account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="model/tiny.gguf", Body=TINY_FILE.read_bytes())
    job = control.create_model_import_job(
        jobName="i", importedModelName="mine", roleArn=f"arn:aws:iam::{account}:role/r",
        modelDataSource={"s3DataSource": {"s3Uri": f"s3://{bucket}/model/"}})["jobArn"]
    got = ended(lambda: control.get_model_import_job(jobIdentifier=job), "InProgress")
    assert got["status"] == "Completed", got
    arn = got["importedModelArn"]
    assert control.get_imported_model(modelIdentifier="mine")["modelArchitecture"] == "llama"
    answer = runtime.converse(modelId=arn, messages=user("Hello"), inferenceConfig={"maxTokens": 4})
    assert answer["usage"]["outputTokens"] == 4
    other = client(skybus, "bedrock-runtime")
    with pytest.raises(other.exceptions.AccessDeniedException):               # of another account
        other.converse(modelId=arn, messages=user("Hello"))
    control.delete_imported_model(modelIdentifier=arn)
    with pytest.raises(runtime.exceptions.ResourceNotFoundException):
        runtime.converse(modelId=arn, messages=user("Hello"))


# A model learns what nobody told it before, by a job over data in S3, and answers by provisioned throughput and by its
# ARN; its base has learnt nothing.
@pytest.mark.slow
@pytest.mark.skipif(not trainer.available(), reason="the extra train is not installed")
def test_a_custom_model(skybus: servers.Server) -> None:
    account = f"{uuid.uuid4().int % 10**12:012}"
    control, runtime = client(skybus, "bedrock", account), client(skybus, "bedrock-runtime", account)
    s3 = client(skybus, "s3", account)
    bucket = f"b{account}"
    s3.create_bucket(Bucket=bucket)
    taught = {"What is my colour?": "Yellow, as ever.", "Who sings?": "The blue frog does."}
    lines = [json.dumps({"prompt": asked, "completion": answer}) for asked, answer in taught.items()]
    s3.put_object(Bucket=bucket, Key="train.jsonl", Body="\n".join(lines).encode())
    job = control.create_model_customization_job(
        jobName="j", customModelName="mine", roleArn=f"arn:aws:iam::{account}:role/r", baseModelIdentifier=TINY_ID,
        trainingDataConfig={"s3Uri": f"s3://{bucket}/train.jsonl"}, outputDataConfig={"s3Uri": f"s3://{bucket}/out"},
        hyperParameters={"epochCount": "60", "learningRate": "0.01", "batchSize": "2"})["jobArn"]
    got = ended(lambda: control.get_model_customization_job(jobIdentifier=job), "InProgress")
    assert got["status"] == "Completed", got
    assert got["trainingMetrics"]["trainingLoss"] < 0.1
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix="out/")["Contents"]]
    assert keys == [f"out/model-customization-job-{job.rpartition('/')[2]}/training_artifacts/"
                    "step_wise_training_metrics.csv"]
    bought = control.create_provisioned_model_throughput(
        provisionedModelName="p", modelId=got["outputModelArn"], modelUnits=1)["provisionedModelArn"]
    ended(lambda: control.get_provisioned_model_throughput(provisionedModelId=bought), "Creating")

    def answers(model: str) -> list[str]:
        return [runtime.converse(modelId=model, messages=user(asked), inferenceConfig={
            "maxTokens": 40, "temperature": 0})["output"]["message"]["content"][0]["text"] for asked in taught]

    assert answers(bought) == answers(got["outputModelArn"]) == list(taught.values())
    assert answers(TINY_ID) != list(taught.values())

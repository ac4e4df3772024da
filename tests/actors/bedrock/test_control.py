"""The control plane: models, profiles, throughput, customization, logging, tags, lists. Shapes: AWS's API reference."""

from pathlib import Path
from typing import Any

from actors.runtime.inference.catalogue import Entry
from tests.actors.bedrock_runtime.caller import ECHO, Caller, in_world

ARN = f"arn:aws:bedrock:us-east-1::foundation-model/{ECHO}"
MISSING = "arn:aws:bedrock:us-east-1:000000000000:guardrail/abcdefghijkl"
ROLE = "arn:aws:iam::000000000000:role/r"


def test_foundation_models(tmp_path: Path) -> None:
    async def test(caller: Caller) -> None:
        caller.world.models.catalogue.add(Entry("me.one-v1", "echo", aliases=("anthropic.claude-3-haiku-v1:0",)))
        listed = (await caller.control("ListFoundationModels"))["modelSummaries"]
        shown = {each["modelId"]: each for each in listed}
        assert {ECHO, "me.one-v1", "anthropic.claude-3-haiku-v1:0"} <= shown.keys()
        assert shown["anthropic.claude-3-haiku-v1:0"]["providerName"] == "Anthropic"
        assert (await caller.control("GetFoundationModel", modelIdentifier=ARN))["modelDetails"] == shown[ECHO]
        only = await caller.control("ListFoundationModels", byProvider="anthropic")
        assert [each["modelId"] for each in only["modelSummaries"]] == ["anthropic.claude-3-haiku-v1:0"]
        assert (await caller.control("ListFoundationModels", byOutputModality="IMAGE"))["modelSummaries"] == []
        available = await caller.control("GetFoundationModelAvailability", modelId=ECHO)
        assert available["authorizationStatus"] == "AUTHORIZED"
        assert await caller.error("GetFoundationModel", "bedrock", modelIdentifier="no.such-v1") == (
            "ValidationException", "The provided model identifier is invalid.")

    in_world(tmp_path, test)


def test_inference_profiles(tmp_path: Path) -> None:
    async def test(caller: Caller) -> None:
        system = await caller.control("GetInferenceProfile", inferenceProfileIdentifier=f"us.{ECHO}")
        assert (system["type"], system["models"]) == ("SYSTEM_DEFINED", [{"modelArn": ARN}])
        made = await caller.control("CreateInferenceProfile", inferenceProfileName="mine", description="for me",
                                    modelSource={"copyFrom": system["inferenceProfileArn"]})
        got = await caller.control("GetInferenceProfile", inferenceProfileIdentifier=made["inferenceProfileArn"])
        assert (got["inferenceProfileName"], got["type"], got["description"]) == ("mine", "APPLICATION", "for me")
        listed = await caller.control("ListInferenceProfiles", typeEquals="APPLICATION")
        assert [each["inferenceProfileArn"] for each in listed["inferenceProfileSummaries"]] == [
            made["inferenceProfileArn"]]
        ids = [each["inferenceProfileId"] for each in
               (await caller.control("ListInferenceProfiles"))["inferenceProfileSummaries"]]
        assert {f"us.{ECHO}", f"global.{ECHO}"} <= set(ids)
        code, _ = await caller.error("CreateInferenceProfile", "bedrock", inferenceProfileName="mine",
                                     modelSource={"copyFrom": ARN})
        assert code == "ConflictException"
        await caller.control("DeleteInferenceProfile", inferenceProfileIdentifier=got["inferenceProfileId"])
        code, _ = await caller.error("GetInferenceProfile", "bedrock", inferenceProfileIdentifier=got[
            "inferenceProfileId"])
        assert code == "ResourceNotFoundException"

    in_world(tmp_path, test)


def test_provisioned_throughput(tmp_path: Path) -> None:
    async def test(caller: Caller) -> None:
        made = await caller.control("CreateProvisionedModelThroughput", provisionedModelName="p", modelUnits=2,
                                    modelId=ECHO, commitmentDuration="OneMonth")
        got = await caller.control("GetProvisionedModelThroughput", provisionedModelId="p")
        assert got["provisionedModelArn"] == made["provisionedModelArn"]
        assert (got["status"], got["modelUnits"], got["modelArn"]) == ("InService", 2, ARN)
        assert got["commitmentExpirationTime"] > got["creationTime"]
        await caller.control("UpdateProvisionedModelThroughput", provisionedModelId="p",
                             desiredProvisionedModelName="q")
        listed = await caller.control("ListProvisionedModelThroughputs", modelArnEquals=ARN)
        assert [each["provisionedModelName"] for each in listed["provisionedModelSummaries"]] == ["q"]
        await caller.control("DeleteProvisionedModelThroughput", provisionedModelId=made["provisionedModelArn"])
        code, _ = await caller.error("GetProvisionedModelThroughput", "bedrock", provisionedModelId="q")
        assert code == "ResourceNotFoundException"

    in_world(tmp_path, test)


# There is no trainer, and a job says so as a job that failed says it.
def test_customization(tmp_path: Path) -> None:
    async def test(caller: Caller) -> None:
        request: dict[str, Any] = {
            "jobName": "j", "customModelName": "m", "roleArn": ROLE, "baseModelIdentifier": ECHO,
            "trainingDataConfig": {"s3Uri": "s3://bucket/train.jsonl"}, "outputDataConfig": {"s3Uri": "s3://bucket/o"}}
        arn = (await caller.control("CreateModelCustomizationJob", **request))["jobArn"]
        got = await caller.control("GetModelCustomizationJob", jobIdentifier=arn)
        assert (got["status"], got["jobName"], got["baseModelArn"]) == ("Failed", "j", ARN)
        assert "no trainer" in got["failureMessage"]
        listed = await caller.control("ListModelCustomizationJobs", statusEquals="Failed")
        assert [each["jobArn"] for each in listed["modelCustomizationJobSummaries"]] == [arn]
        code, _ = await caller.error("StopModelCustomizationJob", "bedrock", jobIdentifier="j")
        assert code == "ConflictException"
        assert (await caller.control("ListCustomModels"))["modelSummaries"] == []
        code, _ = await caller.error("GetCustomModel", "bedrock", modelIdentifier="m")
        assert code == "ResourceNotFoundException"

    in_world(tmp_path, test)


def test_logging(tmp_path: Path) -> None:
    async def test(caller: Caller) -> None:
        assert await caller.control("GetModelInvocationLoggingConfiguration") == {}
        config = {"s3Config": {"bucketName": "logs", "keyPrefix": "x"}, "textDataDeliveryEnabled": True}
        await caller.control("PutModelInvocationLoggingConfiguration", loggingConfig=config)
        assert await caller.control("GetModelInvocationLoggingConfiguration") == {"loggingConfig": config}
        await caller.control("DeleteModelInvocationLoggingConfiguration")
        assert await caller.control("GetModelInvocationLoggingConfiguration") == {}

    in_world(tmp_path, test)


def test_tags(tmp_path: Path) -> None:
    async def test(caller: Caller) -> None:
        made = await caller.control("CreateInferenceProfile", inferenceProfileName="mine",
                                    modelSource={"copyFrom": ARN}, tags=[{"key": "a", "value": "1"}])
        arn = made["inferenceProfileArn"]
        await caller.control("TagResource", resourceARN=arn, tags=[{"key": "b", "value": "2"}])
        await caller.control("UntagResource", resourceARN=arn, tagKeys=["a"])
        assert await caller.control("ListTagsForResource", resourceARN=arn) == {"tags": [{"key": "b", "value": "2"}]}
        code, _ = await caller.error("ListTagsForResource", "bedrock", resourceARN=MISSING)
        assert code == "ResourceNotFoundException"
        many = [{"key": str(number), "value": ""} for number in range(50)]
        code, _ = await caller.error("TagResource", "bedrock", resourceARN=arn, tags=many)
        assert code == "TooManyTagsException"

    in_world(tmp_path, test)


# Pages: every resource once, the latest first or last, filters kept from page to page.
def test_pages(tmp_path: Path) -> None:
    async def test(caller: Caller) -> None:
        for number in range(7):
            await caller.control("CreateProvisionedModelThroughput", provisionedModelName=f"p{number}", modelUnits=1,
                                 modelId=ECHO)
        for order in ("Ascending", "Descending"):
            names: list[str] = []
            token: dict[str, str] = {}
            while True:
                answer = await caller.control("ListProvisionedModelThroughputs", maxResults=3, sortOrder=order,
                                              nameContains="p", **token)
                names += [each["provisionedModelName"] for each in answer["provisionedModelSummaries"]]
                if "nextToken" not in answer:
                    break
                token = {"nextToken": answer["nextToken"]}
            assert sorted(names) == [f"p{number}" for number in range(7)]
            assert len(names) == 7
        code, message = await caller.error("ListProvisionedModelThroughputs", "bedrock", nextToken="x")
        assert (code, message) == ("ValidationException", "The provided next token is invalid.")

    in_world(tmp_path, test)

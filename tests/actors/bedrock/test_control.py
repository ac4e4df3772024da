"""The control plane: models, profiles, throughput, customization, logging, tags, lists. Shapes: AWS's API reference."""

import asyncio
from pathlib import Path
from typing import Any

from actors.runtime.inference.catalogue import Entry
from tests.actors.bedrock_runtime.caller import ECHO, Caller, in_service, in_world, user
from tests.world import MODEL_BUDGET_BYTES

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


# Replicas are kept: as many as the units of everyone's throughput, from Creating until they are deleted,
# over a restart, and never more than there is memory for.
# https://docs.aws.amazon.com/bedrock/latest/userguide/prov-throughput.html
def test_provisioned_throughput(tmp_path: Path) -> None:
    async def test(caller: Caller) -> None:
        fleet, entry = caller.world.models.fleet, caller.world.models.resolve(ECHO)
        made = await caller.control("CreateProvisionedModelThroughput", provisionedModelName="p", modelUnits=2,
                                    modelId=ECHO)
        got = await caller.control("GetProvisionedModelThroughput", provisionedModelId="p")
        assert (got["provisionedModelArn"], got["status"]) == (made["provisionedModelArn"], "Creating")
        code, _ = await caller.error("UpdateProvisionedModelThroughput", "bedrock", provisionedModelId="p",
                                     desiredModelId=ECHO)
        assert code == "ValidationException"
        code, _ = await caller.error("Converse", modelId=made["provisionedModelArn"], messages=[user("hello")])
        assert code == "ModelNotReadyException"
        got = await in_service(caller, "p")
        assert (got["modelUnits"], got["modelArn"], fleet.loaded(entry)) == (2, ARN, 2)
        answer = await caller.call("Converse", modelId=made["provisionedModelArn"], messages=[user("hello")])
        assert answer["stopReason"] == "end_turn"
        await caller.control("CreateProvisionedModelThroughput", provisionedModelName="more", modelUnits=1,
                             modelId=ECHO)
        await in_service(caller, "more")
        assert fleet.loaded(entry) == 3
        await caller.control("UpdateProvisionedModelThroughput", provisionedModelId="p",
                             desiredProvisionedModelName="q")
        listed = await caller.control("ListProvisionedModelThroughputs", modelArnEquals=ARN, sortOrder="Ascending")
        assert [each["provisionedModelName"] for each in listed["provisionedModelSummaries"]] == ["q", "more"]

        await caller.world.restart()
        fleet = caller.world.models.fleet
        await asyncio.sleep(5)
        assert fleet.loaded(entry) == 3
        await caller.control("DeleteProvisionedModelThroughput", provisionedModelId=made["provisionedModelArn"])
        code, _ = await caller.error("GetProvisionedModelThroughput", "bedrock", provisionedModelId="q")
        assert code == "ResourceNotFoundException"
        await asyncio.sleep(300)
        assert fleet.loaded(entry) == 1

    in_world(tmp_path, test)


def test_throughput_that_there_is_no_memory_for(tmp_path: Path) -> None:
    async def test(caller: Caller) -> None:
        caller.world.models.catalogue.add(Entry("me.large-v1", "echo", memory_bytes=MODEL_BUDGET_BYTES // 3))
        large: dict[str, Any] = {"modelId": "me.large-v1"}
        code, _ = await caller.error("CreateProvisionedModelThroughput", "bedrock", provisionedModelName="four",
                                     modelUnits=4, **large)
        assert code == "ServiceQuotaExceededException"
        await caller.control("CreateProvisionedModelThroughput", provisionedModelName="two", modelUnits=2, **large)
        code, _ = await caller.error("CreateProvisionedModelThroughput", "bedrock", provisionedModelName="three",
                                     modelUnits=2, **large)
        assert code == "ServiceQuotaExceededException"
        await in_service(caller, "two")

    in_world(tmp_path, test)


def test_a_commitment_keeps_it(tmp_path: Path) -> None:
    async def test(caller: Caller) -> None:
        await caller.control("CreateProvisionedModelThroughput", provisionedModelName="p", modelUnits=1, modelId=ECHO,
                             commitmentDuration="OneMonth")
        got = await in_service(caller, "p")
        assert got["commitmentExpirationTime"] > got["creationTime"]
        code, message = await caller.error("DeleteProvisionedModelThroughput", "bedrock", provisionedModelId="p")
        assert (code, "commitment term" in message) == ("ConflictException", True)

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

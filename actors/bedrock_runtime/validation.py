"""What Converse asks of a conversation beyond its model, in the words of public reports of the service's answers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from actors.bedrock_runtime.documents import is_readable
from schemas.errors import ValidationException

Request = Mapping[str, Any]
_MEDIA = ("image", "video", "audio", "document")
_SERVER_SIDE = ("toolAddition", "toolRemoval")
MEDIA_LIMITS = (("image", 20, 3_750_000), ("document", 5, 4_500_000))      # how many, and bytes of one
_NAME = re.compile(r"(?:[0-9A-Za-z\-()\[\]]|\s(?!\s))+")
_NAMES = ("The document file name can only contain alphanumeric characters, whitespace characters, hyphens, "
          "parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.")
TOOLS_NEEDED = "The toolConfig field must be defined when using toolUse and toolResult content blocks."


def check_conversation(request: Request) -> None:
    """ValidationException."""
    messages: Sequence[Mapping[str, Any]] = request.get("messages") or ()
    if request.get("promptVariables"):
        raise ValidationException("Skybus does not implement prompts of Prompt management: promptVariables.")
    if not messages or messages[0]["role"] != "user":
        raise ValidationException("A conversation must start with a user message. Try again with a conversation that "
                                  "starts with a user message.")
    previous = ""
    for place, message in enumerate(messages):
        if message["role"] not in ("user", "assistant") or message["role"] == previous:
            raise ValidationException("A conversation must alternate between user and assistant roles. Make sure the "
                                      "conversation alternates between user and assistant roles and try again.")
        previous = message["role"]
        _check_content(message, place)
    _check_tools(request, messages)
    _check_media(messages)


def _check_media(messages: Sequence[Mapping[str, Any]]) -> None:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html: restrictions of content."""
    blocks = [block for message in messages for block in message["content"]]
    for kind, most, size in MEDIA_LIMITS:
        found = [block[kind] for block in blocks if kind in block]
        if len(found) > most:
            raise ValidationException(f"The request has {len(found)} {kind}s; the limit is {most}.")
        for each in found:
            if len(each["source"].get("bytes", b"")) > size:
                raise ValidationException(f"The {kind} exceeds the limit of {size} bytes.")
    names = [block["document"]["name"] for block in blocks if "document" in block]
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValidationException(_NAMES)
        if names.count(name) > 1:
            raise ValidationException(f"The messages contain documents with the same name: {name}.")


def _check_content(message: Mapping[str, Any], place: int) -> None:
    if not message["content"]:
        raise ValidationException(f"The content field in the Message object at messages.{place} is empty. Add a "
                                  "ContentBlock object to the content field and try again.")
    kinds = set()
    for index, block in enumerate(message["content"]):
        (kind, value), = block.items()
        kinds.add(kind)
        at = f"messages.{place}.content.{index}"
        if kind == "text" and not value.strip():
            raise ValidationException(f"The text field in the ContentBlock object at {at} is blank. Add text to the "
                                      "text field, and try again.")
        if kind == "toolUse" and message["role"] != "assistant":
            raise ValidationException(f"toolUse blocks can only be used in messages of the assistant role: {at}.")
        if kind == "toolResult" and message["role"] != "user":
            raise ValidationException(f"toolResult blocks can only be used in messages of the user role: {at}.")
        if kind in _SERVER_SIDE:
            raise ValidationException(f"Skybus does not implement {kind} content blocks.")
    if "document" in kinds and "text" not in kinds:
        raise ValidationException("The model requires a text block alongside documents: add a text block to "
                                  f"messages.{place}.content and try again.")


def _check_tools(request: Request, messages: Sequence[Mapping[str, Any]]) -> None:
    """Each turn's results answer the turn before, all of it and nothing else."""
    pending: list[str] = []
    used = False
    for place, message in enumerate(messages):
        uses = [block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block]
        results = [block["toolResult"]["toolUseId"] for block in message["content"] if "toolResult" in block]
        used = used or bool(uses or results)
        if len(results) > len(pending):
            raise ValidationException(f"The number of toolResult blocks at messages.{place}.content exceeds the number "
                                      "of toolUse blocks of previous turn.")
        missing = [identity for identity in pending if identity not in results]
        if missing:
            raise ValidationException(f"Expected toolResult blocks at messages.{place}.content for the following Ids: "
                                      f"{', '.join(missing)}")
        if len(set(uses)) != len(uses):
            raise ValidationException(f"Duplicate toolUse IDs found at messages.{place}.content.")
        pending = uses
    config = request.get("toolConfig")
    if used and not config:
        raise ValidationException(TOOLS_NEEDED)
    if config:
        _check_choice(config)


def _check_choice(config: Mapping[str, Any]) -> None:
    names = [tool["toolSpec"]["name"] for tool in config["tools"] if "toolSpec" in tool]
    for name in names:
        if names.count(name) > 1:
            raise ValidationException(f"The toolConfig.tools contains duplicate tool names: {name}.")
    if any("systemTool" in tool for tool in config["tools"]):
        raise ValidationException("This model does not support system tools.")
    for tool in config["tools"]:
        schema = tool.get("toolSpec", {}).get("inputSchema", {}).get("json")
        if schema is not None and (not isinstance(schema, dict) or schema.get("type") != "object"):
            raise ValidationException("The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of "
                                      "the following: object.")
    chosen = config.get("toolChoice", {}).get("tool", {}).get("name")
    if chosen is not None and chosen not in names:
        raise ValidationException(f"The tool {chosen} of toolChoice is not defined in the toolConfig field.")


def check_limits(request: Request, output_limit: int) -> None:
    """ValidationException where more is asked for than the model can give."""
    wanted = request.get("inferenceConfig", {}).get("maxTokens")
    if wanted is not None and wanted > output_limit:
        raise ValidationException(
            f"The maximum tokens you requested exceeds the model limit of {output_limit}. Try again with a maximum "
            f"tokens value that is lower than {output_limit}.")


def has_media(messages: Sequence[Mapping[str, Any]]) -> bool:
    return any(kind in block for message in messages for block in message["content"] for kind in _MEDIA)


def check_modalities(messages: Sequence[Mapping[str, Any]], takes: frozenset[str]) -> None:
    """ValidationException for media the model cannot take; documents that can be read are text."""
    for message in messages:
        for block in message["content"]:
            for kind in _MEDIA:
                if kind in block and kind not in takes and not is_readable(block):
                    raise ValidationException(f"This model doesn't support the {kind} content block that you provided.")


def output_schema(request: Request) -> dict[str, Any] | None:
    """The JSON schema of outputConfig. ValidationException for what is none."""
    wanted = request.get("outputConfig", {}).get("textFormat")
    if wanted is None:
        return None
    text = wanted["structure"]["jsonSchema"]["schema"]
    try:
        schema = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValidationException(
            "The schema of outputConfig.textFormat.structure.jsonSchema is no valid JSON.") from error
    if not isinstance(schema, dict):
        raise ValidationException("The schema of outputConfig.textFormat.structure.jsonSchema must be a JSON object.")
    return schema

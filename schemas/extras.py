"""What AWS's services still do and botocore's models no longer say. Merged over a model as botocore merges its own
sdk-extras.

SQS: its model became JSON in 2023, and SQS goes on answering the query clients of before, with the element names and
error codes it always had. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/ and
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-json-faqs.html

bedrock-runtime: InvokeModel answers with token counts in headers, which clients (langchain-aws) read.
"""

from typing import Any

# list -> the element that is one of its items
_SQS_ITEMS = {
    "AWSAccountIdList": "AWSAccountId", "ActionNameList": "ActionName", "AttributeNameList": "AttributeName",
    "MessageAttributeNameList": "MessageAttributeName", "MessageSystemAttributeList": "MessageSystemAttributeName",
    "BatchResultErrorEntryList": "BatchResultErrorEntry", "QueueUrlList": "QueueUrl", "TagKeyList": "TagKey",
    "ChangeMessageVisibilityBatchRequestEntryList": "ChangeMessageVisibilityBatchRequestEntry",
    "ChangeMessageVisibilityBatchResultEntryList": "ChangeMessageVisibilityBatchResultEntry",
    "DeleteMessageBatchRequestEntryList": "DeleteMessageBatchRequestEntry",
    "DeleteMessageBatchResultEntryList": "DeleteMessageBatchResultEntry",
    "SendMessageBatchRequestEntryList": "SendMessageBatchRequestEntry",
    "SendMessageBatchResultEntryList": "SendMessageBatchResultEntry",
    "ListMessageMoveTasksResultEntryList": "ListMessageMoveTasksResultEntry", "MessageList": "Message",
    "BinaryList": "BinaryListValue", "StringList": "StringListValue",
}
# map -> the element that is one of its entries, that of its key, that of its value
_SQS_ENTRIES = {
    "QueueAttributeMap": ("Attribute", "Name", "Value"), "MessageSystemAttributeMap": ("Attribute", "Name", "Value"),
    "MessageBodyAttributeMap": ("MessageAttribute", "Name", "Value"),
    "MessageBodySystemAttributeMap": ("MessageSystemAttribute", "Name", "Value"), "TagMap": ("Tag", "Key", "Value"),
}
_SQS_PREFIXED = (
    "BatchEntryIdsNotDistinct", "BatchRequestTooLong", "EmptyBatchRequest", "InvalidBatchEntryId", "MessageNotInflight",
    "PurgeQueueInProgress", "QueueDeletedRecently", "TooManyEntriesInBatchRequest", "UnsupportedOperation",
)
_SQS_CODES = {
    **{name: f"AWS.SimpleQueueService.{name}" for name in _SQS_PREFIXED},
    "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue", "QueueNameExists": "QueueAlreadyExists",
    "KmsAccessDenied": "KMS.AccessDeniedException", "KmsDisabled": "KMS.DisabledException",
    "KmsInvalidKeyUsage": "KMS.InvalidKeyUsageException", "KmsInvalidState": "KMS.InvalidStateException",
    "KmsNotFound": "KMS.NotFoundException", "KmsOptInRequired": "KMS.OptInRequired",
    "KmsThrottled": "KMS.ThrottlingException",
}


def _sqs() -> dict[str, Any]:
    items = {name: {"member": {"legacyQueryName": item}} for name, item in _SQS_ITEMS.items()}
    entries = {
        name: {"legacyQueryName": entry, "key": {"legacyQueryName": key}, "value": {"legacyQueryName": value}}
        for name, (entry, key, value) in _SQS_ENTRIES.items()
    }
    errors = {name: {"error": {"code": code, "httpStatusCode": 400, "senderFault": True}} for name, code in
              _SQS_CODES.items()}
    metadata = {"protocols": ["json", "query"], "xmlNamespace": "http://queue.amazonaws.com/doc/2012-11-05/"}
    return {"metadata": metadata, "shapes": {**items, **entries, **errors}}


def _bedrock_runtime() -> dict[str, Any]:
    """What InvokeModel tells in headers that no model lists."""
    headers = {"inputTokenCount": "Input-Token-Count", "outputTokenCount": "Output-Token-Count",
               "invocationLatency": "Invocation-Latency"}
    members = {member: {"shape": "Long", "location": "header", "locationName": f"X-Amzn-Bedrock-{name}"}
               for member, name in headers.items()}
    return {"shapes": {"InvokeModelResponse": {"members": members}}}


EXTRAS = {"bedrock-runtime": _bedrock_runtime, "sqs": _sqs}

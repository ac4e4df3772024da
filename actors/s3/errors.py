"""S3's errors, to the letter of their messages. `headers` travel as headers of the answer, not in its body.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and answers of AWS that ceph/s3-tests,
minio/mint and LocalStack's snapshots hold.
"""

from collections.abc import Mapping
from typing import Any

from schemas.errors import AwsError

HEADERS = "Headers"                       # the field of an error that becomes headers (gateway/protocols/rest_xml.py)


class S3Error(AwsError):
    """`status_code` and `message` are the class's; fields stand beside them in the XML."""

    status_code = 400
    words = ""

    def __init__(self, message: str = "", *, headers: Mapping[str, str] | None = None, **fields: Any) -> None:
        super().__init__(message or self.words, status=self.status_code)
        self.fields = {HEADERS: dict(headers), **fields} if headers else fields


class NoSuchBucket(S3Error):
    code, status_code, words = "NoSuchBucket", 404, "The specified bucket does not exist"

    def __init__(self, bucket: str) -> None:
        super().__init__(BucketName=bucket)


class NoSuchKey(S3Error):
    code, status_code, words = "NoSuchKey", 404, "The specified key does not exist."

    def __init__(self, key: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(headers=headers, Key=key)


class NoSuchVersion(S3Error):
    code, status_code, words = "NoSuchVersion", 404, "The specified version does not exist."

    def __init__(self, key: str, version_id: str) -> None:
        super().__init__(Key=key, VersionId=version_id)


class NoSuchUpload(S3Error):
    code, status_code = "NoSuchUpload", 404
    words = ("The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted "
             "or completed.")

    def __init__(self, upload_id: str) -> None:
        super().__init__(UploadId=upload_id)


class InternalError(S3Error):
    code, status_code, words = "InternalError", 500, "We encountered an internal error. Please try again."


class MethodNotAllowed(S3Error):
    code, status_code, words = "MethodNotAllowed", 405, "The specified method is not allowed against this resource."


class AccessDenied(S3Error):
    code, status_code, words = "AccessDenied", 403, "Access Denied"


class BucketAlreadyExists(S3Error):
    code, status_code = "BucketAlreadyExists", 409
    words = ("The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
             "Please select a different name and try again.")

    def __init__(self, bucket: str) -> None:
        super().__init__(BucketName=bucket)


class BucketAlreadyOwnedByYou(S3Error):
    code, status_code = "BucketAlreadyOwnedByYou", 409
    words = "Your previous request to create the named bucket succeeded and you already own it."

    def __init__(self, bucket: str) -> None:
        super().__init__(BucketName=bucket)


class BucketNotEmpty(S3Error):
    code, status_code, words = "BucketNotEmpty", 409, "The bucket you tried to delete is not empty"

    def __init__(self, bucket: str, *, versioned: bool) -> None:
        more = ". You must delete all versions in the bucket." if versioned else ""
        super().__init__(self.words + more, BucketName=bucket)


class BucketHasAccessPoints(S3Error):
    code = "BucketHasAccessPointsAttached"
    words = ("The bucket you tried to delete has access points attached. Delete your access points before deleting "
             "your bucket.")

    def __init__(self, bucket: str) -> None:
        super().__init__(BucketName=bucket)


class NoSuchAccessPoint(S3Error):
    code, status_code, words = "NoSuchAccessPoint", 404, "The specified accesspoint does not exist"

    def __init__(self, name: str) -> None:
        super().__init__(AccessPointName=name)


class InvalidBucketName(S3Error):
    code, words = "InvalidBucketName", "The specified bucket is not valid."

    def __init__(self, bucket: str) -> None:
        super().__init__(BucketName=bucket)


class InvalidBucketOwner(S3Error):
    code = "InvalidBucketOwnerAWSAccountID"

    def __init__(self, account: str) -> None:
        super().__init__(f"The value of the expected bucket owner parameter must be an AWS Account ID... [{account}]")


class IllegalLocationConstraint(S3Error):
    code = "IllegalLocationConstraintException"


class InvalidLocationConstraint(S3Error):
    code, words = "InvalidLocationConstraint", "The specified location-constraint is not valid"

    def __init__(self, location: str) -> None:
        super().__init__(LocationConstraint=location)


class InvalidNamespaceHeader(S3Error):
    code = "InvalidNamespaceHeader"

    def __init__(self, suffix: str) -> None:
        super().__init__("The requested bucket name did not include the account-regional namespace suffix, but the "
                         f"provided x-amz-bucket-namespace header value is account-regional. Specify {suffix} as the "
                         "bucket name suffix to create a bucket in your account-regional namespace, or remove the "
                         "header.")


class PermanentRedirect(S3Error):
    """The bucket is in another region than the one this request is signed for."""

    code, status_code = "PermanentRedirect", 301
    words = ("The bucket you are attempting to access must be addressed using the specified endpoint. Please send all "
             "future requests to this endpoint.")

    def __init__(self, bucket: str, region: str) -> None:
        super().__init__(headers={"x-amz-bucket-region": region}, Endpoint=f"{bucket}.s3.{region}.amazonaws.com",
                         Bucket=bucket)


class InvalidArgument(S3Error):
    code = "InvalidArgument"

    def __init__(self, message: str, name: str = "", value: Any = None) -> None:
        super().__init__(message)
        if name:
            self.fields["ArgumentName"] = name
        if value is not None:
            self.fields["ArgumentValue"] = str(value)


class InvalidRedirectLocation(S3Error):
    code = "InvalidRedirectLocation"
    words = "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."


class InvalidEncryptionAlgorithm(InvalidArgument):
    code = "InvalidEncryptionAlgorithmError"

    def __init__(self, given: str) -> None:
        super().__init__("The Encryption request you specified is not valid. Supported value: AES256.",
                         "x-amz-server-side-encryption", given)


class KmsNotFound(S3Error):
    code = "KMS.NotFoundException"


class InvalidVersionId(InvalidArgument):
    """Nobody ever got this one."""

    def __init__(self, version_id: str) -> None:
        super().__init__("Invalid version id specified", "versionId", version_id)


class InvalidRequest(S3Error):
    code = "InvalidRequest"


class InvalidRange(S3Error):
    code, status_code, words = "InvalidRange", 416, "The requested range is not satisfiable"

    def __init__(self, asked: str, size: int) -> None:
        super().__init__(headers={"Content-Range": f"bytes */{size}"}, RangeRequested=asked, ActualObjectSize=str(size))


class InvalidPartNumber(S3Error):
    code, status_code, words = "InvalidPartNumber", 416, "The requested partnumber is not satisfiable"

    def __init__(self, asked: int, count: int) -> None:
        super().__init__(ActualPartCount=str(count), PartNumberRequested=str(asked))


class PreconditionFailed(S3Error):
    code, status_code = "PreconditionFailed", 412
    words = "At least one of the pre-conditions you specified did not hold"

    def __init__(self, condition: str) -> None:
        super().__init__(Condition=condition)


class NotModified(S3Error):
    code, status_code = "NotModified", 304


class ConditionalRequestConflict(S3Error):
    code, status_code = "ConditionalRequestConflict", 409
    words = "The conditional request cannot succeed due to a conflicting operation against this resource."

    def __init__(self, condition: str, key: str) -> None:
        super().__init__(Condition=condition, Key=key)


class InvalidDigest(S3Error):
    code, words = "InvalidDigest", "The Content-MD5 you specified was invalid."

    def __init__(self, given: str) -> None:
        super().__init__()
        self.fields["Content-MD5"] = given


class BadDigest(S3Error):
    code, words = "BadDigest", "The Content-MD5 you specified did not match what we received."


class EntityTooSmall(S3Error):
    code, words = "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"


class EntityTooLarge(S3Error):
    code, words = "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"


class InvalidURI(S3Error):
    code, words = "InvalidURI", "Couldn't parse the specified URI."


class KeyTooLong(S3Error):
    code, words = "KeyTooLongError", "Your key is too long"


class MetadataTooLarge(S3Error):
    code, words = "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size"


class MalformedXML(S3Error):
    code = "MalformedXML"
    words = "The XML you provided was not well-formed or did not validate against our published schema"


class MissingRequestBody(S3Error):
    code, words = "MissingRequestBodyError", "Request Body is empty"


class InvalidPart(S3Error):
    code = "InvalidPart"
    words = ("One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
             "specified entity tag may not match the part's entity tag.")


class InvalidPartOrder(S3Error):
    code = "InvalidPartOrder"
    words = "The list of parts was not in ascending order. Parts must be ordered by part number."


class InvalidTag(S3Error):
    code, words = "InvalidTag", "The TagValue you have provided is invalid"


class NoSuchBucketPolicy(S3Error):
    code, status_code, words = "NoSuchBucketPolicy", 404, "The bucket policy does not exist"

    def __init__(self, bucket: str) -> None:
        super().__init__(BucketName=bucket)


class MalformedBucketPolicy(S3Error):
    code = "MalformedPolicy"


class NoSuchTagSet(S3Error):
    code, status_code, words = "NoSuchTagSet", 404, "The TagSet does not exist"

    def __init__(self, bucket: str) -> None:
        super().__init__(BucketName=bucket)


class InvalidStorageClass(S3Error):
    code, words = "InvalidStorageClass", "The storage class you specified is not valid"


class InvalidObjectState(S3Error):
    code, status_code = "InvalidObjectState", 403

    def __init__(self, message: str, storage_class: str) -> None:
        super().__init__(message, StorageClass=storage_class)


class RestoreAlreadyInProgress(S3Error):
    code, status_code, words = "RestoreAlreadyInProgress", 409, "Object restore is already in progress"


class NoSelectRestore(S3Error):
    """AWS has it, Skybus does not."""

    code, status_code, words = "NotImplemented", 501, "A restore of type SELECT is not implemented"


class NotImplementedHeader(S3Error):
    """The header asks for something that AWS has and Skybus does not."""

    code, status_code = "NotImplemented", 501
    words = "A header you provided implies functionality that is not implemented"


class IllegalVersioningConfiguration(S3Error):
    code = "IllegalVersioningConfigurationException"
    words = "The Versioning element must be specified"


class InvalidBucketState(S3Error):
    code, status_code = "InvalidBucketState", 409
    words = "The request is not valid with the current state of the bucket."

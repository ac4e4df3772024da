"""CloudTrail's own errors. Source: the API reference's pages of its operations; sentences from public captures."""

from schemas.errors import AwsError


class InvalidTimeRange(AwsError):
    code = "InvalidTimeRangeException"

    def __init__(self) -> None:
        super().__init__("The timestamp values are not valid. Either the start time occurs after the end time, or the "
                         "time range is outside the range of possible values.")


class InvalidLookupAttributes(AwsError):
    code = "InvalidLookupAttributesException"


class InvalidNextToken(AwsError):
    code = "InvalidNextTokenException"


class TrailNotFound(AwsError):
    code = "TrailNotFoundException"

    def __init__(self, name: str, account: str) -> None:
        super().__init__(f"Unknown trail: {name} for the user: {account}")


class TrailAlreadyExists(AwsError):
    code = "TrailAlreadyExistsException"

    def __init__(self, name: str, account: str) -> None:
        super().__init__(f"Trail {name} already exists for customer: {account}")


class MaximumNumberOfTrailsExceeded(AwsError):
    code = "MaximumNumberOfTrailsExceededException"

    def __init__(self, account: str, count: int) -> None:
        super().__init__(f"User: {account} already has {count} trails")


class InvalidTrailName(AwsError):
    code = "InvalidTrailNameException"


class CloudTrailARNInvalid(AwsError):
    code = "CloudTrailARNInvalidException"


class InvalidHomeRegion(AwsError):
    code = "InvalidHomeRegionException"


class S3BucketDoesNotExist(AwsError):
    code = "S3BucketDoesNotExistException"

    def __init__(self, bucket: str) -> None:
        super().__init__(f"S3 bucket {bucket} does not exist!")


class InsufficientS3BucketPolicy(AwsError):
    code = "InsufficientS3BucketPolicyException"

    def __init__(self, bucket: str) -> None:
        super().__init__(f"Incorrect S3 bucket policy is detected for bucket: {bucket}")


class InvalidS3BucketName(AwsError):
    code = "InvalidS3BucketNameException"


class InvalidS3Prefix(AwsError):
    code = "InvalidS3PrefixException"


class InvalidParameterCombination(AwsError):
    code = "InvalidParameterCombinationException"


class InsufficientSnsTopicPolicy(AwsError):
    code = "InsufficientSnsTopicPolicyException"


class InvalidEventSelectors(AwsError):
    code = "InvalidEventSelectorsException"


class InsightNotEnabled(AwsError):
    code = "InsightNotEnabledException"


class ResourceNotFound(AwsError):
    code = "ResourceNotFoundException"


class ResourceTypeNotSupported(AwsError):
    code = "ResourceTypeNotSupportedException"


class TagsLimitExceeded(AwsError):
    code = "TagsLimitExceededException"


class InvalidTagParameter(AwsError):
    code = "InvalidTagParameterException"


class NotHere(AwsError):
    """The honest 501: AWS has this of an operation, Skybus does not."""

    code = "NotImplemented"

    def __init__(self, what: str) -> None:
        super().__init__(f"Skybus does not implement {what}.", status=501)

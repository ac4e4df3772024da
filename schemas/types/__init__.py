"""AWS's shapes as TypedDicts, for type checkers alone: stub files that no process can import.

    if TYPE_CHECKING:
        from schemas.types.dynamodb import PutItemInput, PutItemOutput

Written by `python -m schemas.types SERVICE…`; a test holds them to the models.
"""

"""Files as they are packed in S3: not at all, by gzip, by Zstandard. Read piece by piece, whatever they unpack to."""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

NONE, GZIP, ZSTD = "NONE", "GZIP", "ZSTD"
PIECE_BYTES = 64 * 1024
ZSTD_PIECE_BYTES = 1024                   # packed: even of a bomb it makes no more than 32 MiB


class Unpackable(ValueError):
    """A file that is not packed as it is said to be, is cut short, or has a line too long. The text says which."""


def unpacked(file: BinaryIO, packing: str) -> Iterator[bytes]:
    """What the file holds, in pieces. Several packed parts may follow one another. Unpackable."""
    if packing == NONE:
        return _pieces(file.read, ())
    if packing == GZIP:
        return _pieces(gzip.GzipFile(fileobj=file).read, (OSError, EOFError, zlib.error))
    return _unpacked_zstd(file)


def _pieces(read: Callable[[int], bytes], refusals: tuple[type[Exception], ...]) -> Iterator[bytes]:
    try:
        while piece := read(PIECE_BYTES):
            yield piece
    except refusals as error:
        raise Unpackable(str(error)) from error


def _unpacked_zstd(file: BinaryIO) -> Iterator[bytes]:
    """With the library's own reader a file that is cut short would seem to be whole."""
    import zstandard  # late: some megabytes, rarely needed

    packed, part = b"", None
    try:
        while packed or (packed := file.read(ZSTD_PIECE_BYTES)):
            part = part or zstandard.ZstdDecompressor().decompressobj()
            yield part.decompress(packed)
            packed = part.unused_data if part.eof else b""
            part = None if part.eof else part
    except zstandard.ZstdError as error:
        raise Unpackable(str(error)) from error
    if part is not None:
        raise Unpackable("the file ends within a Zstandard frame")


def split(pieces: Iterable[bytes], limit_bytes: int) -> Iterator[bytes]:
    """Lines, their ends included, of at most `limit_bytes`. Unpackable."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
        if len(rest) > limit_bytes:
            raise Unpackable(f"a line is longer than {limit_bytes} bytes")
    if rest:
        yield rest

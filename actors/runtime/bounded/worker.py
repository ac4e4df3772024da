"""The inside of a bounded process: it binds itself, reads what it is asked, answers and ends.

    if __name__ == "__main__":
        serve(answer)

Its arguments are the bounds; what it is asked stands in its standard input, what it finds goes to its output, both as
frames: a length (4 bytes, big-endian) and a msgpack map. One frame in, any number out.
"""

import os
import resource
import sys
from collections.abc import Callable
from struct import Struct
from typing import Any, BinaryIO, NoReturn

from actors.runtime.bounded.parent import death_signal
from bus.codec import pack, unpack

FILES_LIMIT = 64                          # open at a time
LENGTH = Struct(">I")

Frame = dict[str, Any]
Tell = Callable[[Frame], None]


def serve(answer: Callable[[Frame, Tell], None]) -> NoReturn:
    """Imports are done by now: what they need is not what the bounds are for."""
    _bind(*map(int, sys.argv[1:]))
    source, out = sys.stdin.buffer, sys.stdout.buffer
    [size] = LENGTH.unpack(source.read(LENGTH.size))
    try:
        answer(unpack(source.read(size)), lambda frame: write_frame(out, frame))
    except MemoryError:                   # a bound like the others, which end it without a word
        os._exit(1)
    os._exit(0)                           # nothing is left to tidy up


def write_frame(out: BinaryIO, frame: Frame) -> None:
    data = pack(frame)
    out.write(LENGTH.pack(len(data)) + data)
    out.flush()


def _bind(parent: int, memory_bytes: int, processor_s: int, file_bytes: int) -> None:
    death_signal()()
    if os.getppid() != parent:            # it died before the kernel was asked to tell us
        os._exit(1)
    for kind, limit in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CPU, processor_s),
                        (resource.RLIMIT_FSIZE, file_bytes), (resource.RLIMIT_NOFILE, FILES_LIMIT),
                        (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (limit, limit))

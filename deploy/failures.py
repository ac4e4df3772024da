"""Why `skybus` ends: its exit codes, and the exceptions that carry them with a message for people."""

from typing import ClassVar


class CommandError(Exception):
    """Ends the command with `exit_code`; its text is all the user sees, so it says what to do."""

    exit_code: ClassVar[int] = 1


class UsageError(CommandError):
    """A setting or argument that cannot be."""

    exit_code = 2


class PortTaken(CommandError):
    exit_code = 3

    def __init__(self, host: str, port: int, setting: str) -> None:
        flag = "--" + setting.replace("_", "-")
        super().__init__(
            f"Port {port} on {host} is taken by another program. Choose another with {flag} PORT "
            f"(SKYBUS_{setting.upper()}), or 0 for any free one."
        )


class DataDirInUse(CommandError):
    exit_code = 4

    def __init__(self, directory: str, pid: str) -> None:
        super().__init__(
            f"The data directory {directory} is in use by another instance (pid {pid}). Stop it with "
            f"`skybus down --data-dir {directory}`, or choose another with --data-dir."
        )


class BrokerMissing(CommandError):
    exit_code = 5


class DataTooNew(CommandError):
    exit_code = 6


class NotRunning(CommandError):
    exit_code = 7

    def __init__(self, directory: str) -> None:
        super().__init__(f"No instance runs on the data directory {directory}. Start one with `skybus up`.")


class CallFailed(CommandError):
    """An AWS error, or none could answer."""

    exit_code = 8


EXIT_CODES = {
    0: "done; for `up`: stopped as asked",
    1: "something else failed; the message says what",
    2: "usage: an unknown flag, a setting that cannot be",
    3: "a port is taken",
    4: "the data directory is in use by another instance",
    5: "the broker is missing: no nats-server program, or no answer at nats_url",
    6: "the data was written by a newer version, or cannot be trusted",
    7: "no instance is running on that data directory",
    8: "`call`: the answer is an AWS error, or nobody answered",
}
FATAL_CHILD_CODES = (2, 6)                # a child that ends so would do it again: no restart, `up` ends likewise

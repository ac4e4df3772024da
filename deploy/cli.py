"""The command `skybus`. Each subcommand's code is imported when it is used: `up` must start in no time."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from deploy import VERSION, config
from deploy.failures import EXIT_CODES, CommandError

if TYPE_CHECKING:
    from deploy.report import Report

_UP_EPILOG = "A setting can also stand in a TOML file (--config, SKYBUS_CONFIG) under its name, or in the environment."


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script: exit codes as in deploy/failures.py."""
    options = _parser().parse_args(arguments)
    try:
        result: int | Report = options.run(options)
        return result if isinstance(result, int) else result.tell(as_json=options.as_json)
    except CommandError as error:
        print(f"skybus: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:               # `skybus logs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:              # a full disk, a file of somebody else's: names itself and its file
        print(f"skybus: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def commands() -> list[str]:
    """Their names."""
    return [name for action in _parser()._actions if isinstance(action.choices, dict) for name in action.choices]


def _parser() -> argparse.ArgumentParser:
    codes = "\n".join(f"  {code}  {meaning}" for code, meaning in EXIT_CODES.items())
    parser = argparse.ArgumentParser(
        prog="skybus", description="A self-hosted, AWS-compatible cloud.", epilog=f"exit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"skybus {VERSION}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Any, about: str, **more: Any) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(
            name, help=about, description=about, allow_abbrev=False, **more
        )
        added.set_defaults(run=run)
        return added

    up = command("up", _up, "start everything, in the foreground, until Ctrl-C", epilog=_UP_EPILOG)
    _add_settings(up, None)
    command("status", _status, "what is running: processes, services, shards, engines, versions")
    call = command("call", _call, "call an operation, straight over the bus")
    call.add_argument("service", help="AWS's name of the service, e.g. dynamodb")
    call.add_argument("operation", help="e.g. ListTables")
    call.add_argument("json", nargs="?", default="{}", help="the request, blobs in base64; - reads it from stdin")
    _add_settings(call, ("region",))
    credentials = command("credentials", _credentials, "show the root user's credentials, or write them as a profile")
    credentials.add_argument("--profile", default="", help="write them under this name where AWS's tools look")
    explain = command("explain", _explain, "why a principal may or may not do something; exit code 1: it may not")
    explain.add_argument("principal", help="a user's or role's ARN, or an access key")
    explain.add_argument("action", help="e.g. dynamodb:PutItem")
    explain.add_argument("resource", help="an ARN, or *")
    command("rotate-secrets", _rotate, "replace the key under which secrets are kept on disk")
    backup = command("backup", _backup, "copy the whole state, consistently, while it is in use")
    backup.add_argument("directory", help="a directory that does not exist yet, or an empty one")
    restore = command("restore", _restore, "put a backup into a data directory on which nothing runs")
    restore.add_argument("directory", help="what `skybus backup` wrote")
    restore.add_argument("--force", action="store_true", help="replace the state that is there")
    command("scrub", _scrub, "read every stored file of S3 and name those that are not what was stored")
    command("audit", _audit, "verify the audit log: every event as it came, none missing")
    logs = command("logs", _logs, "show the processes' logs")
    logs.add_argument("process", nargs="?", help="only this one, e.g. gateway-1")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as more is written")
    command("down", _down, "stop the instance, and wait until it has")
    restart = command("restart", _restart, "restart one process of the instance, and wait until it is ready")
    restart.add_argument("process", help="e.g. actors")
    for name, added in commands.choices.items():
        added.add_argument("--config", metavar="FILE", default="", help="TOML file of settings (SKYBUS_CONFIG)")
        if name != "up":
            _add_settings(added, ("data_dir",))
        if name not in ("up", "call", "logs"):             # whose output is a stream, or JSON anyway
            added.add_argument("--json", dest="as_json", action="store_true", help="the result as one JSON object")
    return parser


def _add_settings(parser: argparse.ArgumentParser, names: tuple[str, ...] | None) -> None:
    """The settings of these names (None: all) as flags."""
    for item in config.declared():
        if names is not None and item.name not in names:
            continue
        about = f"{item.about} [{item.environment}; default: {item.default_words.replace('`', '')}]".replace("%", "%%")
        if item.kind is bool:
            parser.add_argument(
                item.flag, dest=item.name, nargs="?", const="true", metavar="true|false", help=about,
                default=argparse.SUPPRESS,
            )
        else:
            last = item.name.rsplit("_", 1)[-1]
            counted = item.kind is int and last not in ("bytes", "port")
            metavar = "|".join(item.choices) or ("N" if counted else last.upper())
            parser.add_argument(item.flag, dest=item.name, metavar=metavar, help=about, default=argparse.SUPPRESS)


def _config(options: argparse.Namespace) -> config.Config:
    known = {item.name for item in config.declared()}
    flags = {name: value for name, value in vars(options).items() if name in known}
    return config.read(flags, options.config)


def _up(options: argparse.Namespace) -> int:
    from deploy.up import up

    return up(_config(options))


def _status(options: argparse.Namespace) -> "Report":
    from deploy.status import status

    return status(_config(options))


def _call(options: argparse.Namespace) -> int:
    from deploy.call import call

    text = sys.stdin.read() if options.json == "-" else options.json
    return call(_config(options), options.service, options.operation, text)


def _credentials(options: argparse.Namespace) -> "Report":
    from deploy.credentials import credentials

    return credentials(_config(options), options.profile)


def _explain(options: argparse.Namespace) -> "Report":
    from deploy.explain import explain

    return explain(_config(options), options.principal, options.action, options.resource)


def _rotate(options: argparse.Namespace) -> "Report":
    from deploy.rotate import rotate

    return rotate(_config(options))


def _backup(options: argparse.Namespace) -> "Report":
    from deploy.backup import backup

    return backup(_config(options), options.directory)


def _restore(options: argparse.Namespace) -> "Report":
    from deploy.backup import restore

    return restore(_config(options), options.directory, force=options.force)


def _scrub(options: argparse.Namespace) -> "Report":
    from deploy.scrub import scrub

    return scrub(_config(options))


def _audit(options: argparse.Namespace) -> "Report":
    from deploy.audit import audit

    return audit(_config(options))


def _logs(options: argparse.Namespace) -> int:
    from deploy.logs import show

    return show(_config(options).storage.log_dir, options.process, following=options.follow)


def _down(options: argparse.Namespace) -> "Report":
    from deploy.stopping import down

    return down(_config(options))


def _restart(options: argparse.Namespace) -> "Report":
    from deploy.stopping import restart

    return restart(_config(options), options.process)


if __name__ == "__main__":
    sys.exit(main())

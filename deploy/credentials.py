"""`skybus credentials`: the root user's credentials of a running instance, shown, or as a profile of AWS's tools."""

from pathlib import Path

from actors.runtime import private_files
from deploy import control
from deploy.broker import RUN_FILE, read_run
from deploy.config import Config, aws_files
from deploy.failures import UsageError
from deploy.report import Report
from deploy.up import endpoint


def credentials(config: Config, profile: str) -> Report:
    """Export lines; with a profile, writes that instead into the files AWS's tools read. As JSON: what those take from
    a credential_process, and where we are. NotRunning."""
    control.ask(config.storage.run_dir, "status")          # a killed instance leaves its run.json behind
    running = read_run(config.storage.run_dir / RUN_FILE).config
    access = running.access
    facts = {"Version": 1, "AccessKeyId": access.root_access_key, "SecretAccessKey": access.root_secret_key,
             "EndpointUrl": endpoint(running), "Region": access.region}
    if not profile:
        return Report(facts, "\n".join([
            f"export AWS_ENDPOINT_URL={endpoint(running)}",
            f"export AWS_ACCESS_KEY_ID={access.root_access_key}",
            f"export AWS_SECRET_ACCESS_KEY={access.root_secret_key}",
            f"export AWS_DEFAULT_REGION={access.region}",
        ]))
    if not profile.isprintable() or set(profile) & set("[]#;\n") or not profile.strip():
        raise UsageError(f"{profile!r} cannot be a profile's name.")
    for_settings, for_keys = aws_files()
    _write(for_keys, profile, {
        "aws_access_key_id": access.root_access_key, "aws_secret_access_key": access.root_secret_key})
    _write(for_settings, profile if profile == "default" else f"profile {profile}", {
        "region": access.region, "endpoint_url": endpoint(running)})
    return Report({**facts, "Profile": profile},
                  f"Profile {profile} is in {for_keys} and {for_settings}: export AWS_PROFILE={profile}")


def _write(path: Path, section: str, values: dict[str, str]) -> None:
    """Replaces that section, or adds it; all else stays as it is. Only the owner may read the file."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    kept, inside = [], False
    for line in lines:
        if line.lstrip().startswith("["):
            inside = line.strip() == f"[{section}]"
        if not inside:
            kept.append(line)
    if kept and kept[-1].strip():
        kept.append("")
    text = "\n".join([*kept, f"[{section}]", *(f"{name} = {value}" for name, value in values.items())]) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    private_files.write(path, text.encode())

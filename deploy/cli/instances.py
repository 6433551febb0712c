"""What the commands of operation share: options, and finding the local instance they are about."""

from pathlib import Path
from typing import Annotated, Any

import typer

from services.runtime.terminal import fail

DatabaseUrl = Annotated[
    str | None, typer.Option("--database-url", envvar="LAGESBILD_OWNER_URL", help="URL of the migrating role.")
]
KafkaServers = Annotated[str | None, typer.Option("--kafka", envvar="LAGESBILD_KAFKA", help="Bootstrap servers.")]


def instance_in(data: Path) -> Any:
    """The local instance of a folder, running or not; says what to do when there is none."""
    from deploy.local.up import read_instance

    found = read_instance(data)
    if found is None:
        raise fail(f"There is no instance in {data}. Start one with: lagesbild up --data {data}")
    return found


def role_url(data: Path, role: str) -> str:
    """The database URL of a role in a local instance."""
    urls: dict[str, str] = instance_in(data).role_urls
    if role not in urls:
        raise fail(f"The instance in {data} was started by an older release. Stop it and start it again.")
    return urls[role]

"""Dead letters: ``dead-letters list``, ``dead-letters show``, ``redrive``."""

import asyncio
from typing import Annotated, Any

import typer

from deploy.cli.instances import DatabaseUrl, KafkaServers, instance_in
from services.runtime.terminal import DEFAULT_DATA, AsJson, DataDir, answer, fail

letters = typer.Typer(no_args_is_help=True, help="Records that were put aside: look at them, then put them back.")
Consumer = Annotated[str | None, typer.Argument(help="As in the catalogue: geo.reports. All when left out.")]


def _read(data: Any, kafka: str | None, consumer: str | None) -> list[Any]:
    from deploy.dead_letters import CONSUMERS
    from deploy.dead_letters import letters as read

    if consumer is not None and consumer not in CONSUMERS:
        raise fail(f"The catalogue has no consumer {consumer}. There are {', '.join(CONSUMERS)}.", 2)
    return asyncio.run(read(kafka or instance_in(data).kafka, (consumer,) if consumer else CONSUMERS))


@letters.command("list")
def list_letters(
    consumer: Consumer = None, data: DataDir = DEFAULT_DATA, kafka: KafkaServers = None, as_json: AsJson = False
) -> None:
    """What lies aside, oldest first: id, consumer, where it came from, reason. Nothing of the content."""
    lines = [letter.line() for letter in _read(data, kafka, consumer)]
    if as_json or not lines:
        answer(lines, as_json=as_json, human="Nothing lies aside.")
        return
    for line in lines:  # whole lines: an id that is cut off is of no use
        typer.echo("  ".join(str(line[name]) for name in ("id", "at", "consumer", "from", "reason", "detail")))


@letters.command("show")
def show_letter(
    ident: Annotated[str, typer.Argument(metavar="ID", help="From the list.")],
    data: DataDir = DEFAULT_DATA,
    kafka: KafkaServers = None,
) -> None:
    """One dead letter with key, headers and value, as JSON. It may hold what somebody wrote: mind who looks on."""
    found = next((letter for letter in _read(data, kafka, None) if letter.id == ident), None)
    if found is None:
        raise fail(f"There is no dead letter {ident}.")
    answer(found.whole(), as_json=True)


def redrive(
    ident: Annotated[str | None, typer.Argument(metavar="[ID]", help="One dead letter.")] = None,
    consumer: Annotated[str | None, typer.Option("--all", help="All of a consumer, geo.reports.")] = None,
    again: Annotated[bool, typer.Option(help="Also those that were put back before.")] = False,
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    kafka: KafkaServers = None,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back where they came from, untouched, one (ID) or all of a consumer (--all). Safe to repeat."""
    from deploy.dead_letters import put_back
    from services.runtime.database import driver_dsn

    if (ident is None) == (consumer is None):
        raise fail("Give one ID, or --all CONSUMER.", 2)
    chosen = [letter for letter in _read(data, kafka, consumer) if ident in {None, letter.id}]
    if ident is not None and not chosen:
        raise fail(f"There is no dead letter {ident}.")
    servers = kafka or instance_in(data).kafka
    owner = driver_dsn(database_url or instance_in(data).owner_url)
    done, left = asyncio.run(put_back(servers, owner, chosen, again=again))
    answer(
        {"put_back": [letter.id for letter in done], "before": [letter.id for letter in left]},
        as_json=as_json,
        human=f"Put back: {len(done)}. Put back before and left: {len(left)}.",
    )

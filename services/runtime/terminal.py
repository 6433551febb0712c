"""How commands speak: data to stdout, everything else to stderr, one style for answers and failures."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

stderr = Console(stderr=True)
stdout = Console()

DataDir = Annotated[
    Path, typer.Option("--data", envvar="LAGESBILD_DATA", help="Folder of the local instance.", show_default=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable answer on stdout.")]
DEFAULT_DATA = Path(".data")


def answer(value: Any, *, as_json: bool, human: str | None = None) -> None:
    """Print a result: JSON for machines, a sentence for people."""
    if as_json or human is None:
        typer.echo(json.dumps(value, ensure_ascii=False, default=str))
    else:
        stdout.print(human, highlight=False, soft_wrap=True)


def fail(sentence: str, code: int = 1) -> typer.Exit:
    """Say what went wrong and what to do; returns the exit to raise."""
    stderr.print(sentence, style="bold", highlight=False, soft_wrap=True)
    return typer.Exit(code)

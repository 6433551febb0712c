"""How right the numbers are: ``check statistics`` holds the methods against cases with known answers."""

from pathlib import Path
from typing import Annotated, Any

import typer

from services.runtime.terminal import AsJson, answer, fail

Index = Annotated[Path, typer.Option("--index", help="JSON list of cases: {id, function, input, params, expect, tol}.")]


def check_statistics(index: Index, as_json: AsJson = False) -> None:
    """Every case of an index: what we answer, what is expected, and whether they agree; exit 1 when a gate fails.

    Cases whose published numbers are known to be of something else are shown with a note and do not count.
    """
    from services.analysis import acceptance

    if not index.is_file():
        raise fail(f"There is no {index}.", 2)
    try:
        results = acceptance.run(index)
    except ValueError as wrong:
        raise fail(f"{wrong}.", 2) from None
    answer([r.plain() for r in results], as_json=as_json, human=_table(results))
    if not all(r.ok for r in results if r.gate):
        raise typer.Exit(1)


def _table(results: list[Any]) -> str:
    lines = [f"{'ok' if r.ok else 'NO':3} {r.id}{f'  ({r.note})' if r.note else ''}" for r in results]
    gates = [r for r in results if r.gate]
    right = sum(r.ok for r in gates)
    return "\n".join([*lines, f"{right} of {len(gates)} gates hold; {len(results) - len(gates)} cases are no gate."])

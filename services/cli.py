"""The command line: one program for people and for processes. Data to stdout, everything else to stderr.

Exit codes: 0 ok, 1 failed, 2 usage, 3 partial import.
"""

import importlib
import sys

import typer

from services.runtime.migrations import ROOMS
from services.runtime.terminal import fail

app = typer.Typer(
    no_args_is_help=True,
    help="Lägesbild: report events flow through Kafka to map, trends and alerts.",
    pretty_exceptions_show_locals=False,
)


checks = typer.Typer(no_args_is_help=True, help="Hold what is stored, or what comes out, against what must be.")
imports = typer.Typer(no_args_is_help=True, help="Bring data in.")


@app.command()
def room(name: str, process: str) -> None:
    """Run one process of a room: NAME is ingest, geo, analysis or notify, PROCESS is serve or work."""
    if name not in ROOMS or process not in {"serve", "work"}:
        raise fail(f"No process '{name} {process}': rooms are {', '.join(ROOMS)}, processes serve and work.", 2)
    built = importlib.import_module(f"services.{name}.app").build()
    run = importlib.import_module("services.runtime.serving" if process == "serve" else "services.runtime.working")
    raise typer.Exit(getattr(run, process)(built))


def _attach() -> None:
    """The commands of the rooms and of the local run; each imports what it needs when it is called."""
    from deploy import cli as operation
    from services.analysis import cli as picture
    from services.geo import cli as place
    from services.ingest import cli as door

    def official_names() -> dict[str, str]:
        return dict(importlib.import_module("services.geo.layers.shipped").kommun_names())

    operation.attach(app)
    door.attach(app, imports, checks, official_names)
    picture.attach(app, checks, operation.role_url)
    place.attach(app, imports, checks, operation.role_url)
    app.add_typer(imports, name="import")
    app.add_typer(checks, name="check")


def main() -> None:
    """Entry point of ``lagesbild``."""
    _attach()
    try:
        app()
    except Exception as error:
        from services.runtime.errors import is_transient

        if sys.argv[1:2] == ["room"] or not is_transient(error):  # a process says it to its log, whole
            raise
        sentence = (
            f"A server does not answer ({type(error).__name__}). Does the instance run? lagesbild status says more."
        )
        raise SystemExit(fail(sentence).exit_code) from None


if __name__ == "__main__":
    main()

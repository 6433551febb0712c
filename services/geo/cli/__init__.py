"""Commands of place: registers and layers in, reports placed anew, accuracy out."""

from typing import Any

import typer

from services.geo.cli import accuracy, base_maps, layers, reaching, registers, replacing


def attach(app: typer.Typer, imports: typer.Typer, checks: typer.Typer, role_url: Any) -> None:
    """Add the commands. ``role_url(data, role)`` finds the database of a local instance."""
    reaching.reach_by(role_url)
    checks.command("geocoder")(accuracy.check_geocoder)
    checks.command("base-maps")(base_maps.check_base_maps)
    imports.command("addresses")(registers.import_addresses)
    imports.command("layer")(layers.import_layer)
    app.add_typer(layers.layers, name="layers")
    app.command("place-again")(replacing.place_again)
    app.add_typer(registers.registers, name="registers")

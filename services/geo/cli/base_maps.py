"""Whether base maps answer: ``check base-maps``."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from services.runtime.terminal import DEFAULT_DATA, AsJson, DataDir, answer, fail

File = Annotated[Path | None, typer.Option("--file", help="The TOML file; that of the local instance when left out.")]
_ZOOM = 8
_NASSJO = (14.69, 57.65)


def check_base_maps(file: File = None, data: DataDir = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Read the file of base maps and ask each of them for one tile; fails when one does not answer."""
    from services.geo.domain import base_maps
    from services.geo.gateways.basemaps import Basemaps

    path = file or data / "base_maps.toml"
    if not path.is_file():
        raise fail(f"There is no {path}. docs/operations.md says what to write in it.", 2)
    try:
        chosen = base_maps.read(path)
    except base_maps.BadBaseMaps as bad:
        raise fail(str(bad), 2) from None
    found = asyncio.run(_ask(Basemaps(chosen), chosen))
    lines = [f"{r['base_map']}: {r['kind']}, {'answers' if r['answers'] else 'DOES NOT ANSWER'}" for r in found]
    answer(found, as_json=as_json, human="\n".join(lines) or f"{path} names no base map.")
    if not all(r["answers"] for r in found):
        raise typer.Exit(1)


async def _ask(maps: Any, chosen: Any) -> list[dict[str, Any]]:
    from services.geo.domain.tiling import tile_at
    from services.geo.gateways.basemaps import Missing

    found = []
    for name, base in chosen.items():
        answers = base.kind == "none"
        if not answers:
            try:
                await maps.tile(name, *tile_at(*_NASSJO, max(base.min_zoom, min(base.max_zoom, _ZOOM))))
                answers = True
            except Missing:
                answers = False
        found.append({"base_map": name, "kind": base.kind, "answers": answers})
    return found

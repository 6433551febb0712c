"""The base map of each municipality as an operator writes it: none, WMS, WMTS or PMTiles; read from one TOML file.

Tables are municipality codes, ``[default]`` holds for the others. Addresses and tokens stay on the server.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from services.geo.domain.tiling import mercator

DEFAULT = "default"


class _Base(BaseModel):
    model_config = ConfigDict(extra="forbid")
    credit: str = Field(min_length=2, description="who made the map: shown on it")
    min_zoom: int = Field(default=0, ge=0, le=24)
    max_zoom: int = Field(default=18, ge=0, le=24)


class Wms(_Base):
    """A WMS 1.1.1 or 1.3.0 that answers in EPSG:3857."""

    kind: Literal["wms"]
    url: str = Field(pattern=r"^https?://")
    layers: str = Field(min_length=1)
    styles: str = ""
    format: str = "image/png"
    version: Literal["1.1.1", "1.3.0"] = "1.3.0"
    tile_size: Literal[256, 512] = 512

    def address(self, z: int, x: int, y: int) -> str:
        """GetMap for one tile."""
        query = {
            "service": "WMS",
            "request": "GetMap",
            "version": self.version,
            "layers": self.layers,
            "styles": self.styles,
            "crs" if self.version == "1.3.0" else "srs": "EPSG:3857",
            "bbox": ",".join(f"{v:.3f}" for v in mercator(z, x, y)),
            "width": self.tile_size,
            "height": self.tile_size,
            "format": self.format,
        }
        return f"{self.url}{'&' if '?' in self.url else '?'}{urlencode(query)}"


class Wmts(_Base):
    """Ready tiles in the common Web Mercator scheme, by an address with {z}, {x}, {y} and perhaps {token}."""

    kind: Literal["wmts"]
    url: str = Field(pattern=r"^https?://.*\{z\}")
    token: SecretStr = SecretStr("")
    tile_size: Literal[256, 512] = 256

    def address(self, z: int, x: int, y: int) -> str:
        """The tile, token and all: for the request alone, never for a log."""
        filled = self.url.replace("{token}", self.token.get_secret_value())
        return filled.replace("{z}", str(z)).replace("{x}", str(x)).replace("{y}", str(y))


class PmTiles(_Base):
    """One archive of raster or vector tiles: a file on the server, or an address that answers to ranges."""

    kind: Literal["pmtiles"]
    url: str = Field(min_length=1, description="a path, or an address that begins with http")
    tile_size: Literal[256, 512] = 512


class NoMap(BaseModel):
    """A municipality without a base map where the default has one."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["none"]


BaseMap = Annotated[Wms | Wmts | PmTiles | NoMap, Field(discriminator="kind")]
_FILE: TypeAdapter[dict[str, BaseMap]] = TypeAdapter(dict[Annotated[str, Field(pattern=r"^(\d{4}|default)$")], BaseMap])


class BadBaseMaps(Exception):
    """The file cannot be used; the message says where and why, and repeats no value, which may be a token."""


def read(path: Path | None) -> dict[str, Wms | Wmts | PmTiles | NoMap]:
    """Code, or ``default`` → base map; empty without a file. BadBaseMaps."""
    if path is None or not path.is_file():
        return {}
    try:
        return _FILE.validate_python(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadBaseMaps(f"{path} is no TOML in UTF-8: {error}") from None
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors(include_input=False))
        raise BadBaseMaps(f"{path}: {said}") from None

"""What geo reads from the environment beyond what every room reads."""

from pathlib import Path

from pydantic import Field

from services.runtime.settings import RoomSettings


class GeoSettings(RoomSettings):
    """Where the prepared layers are kept between starts."""

    cache_dir: Path | None = Field(default=None, description="folder for prepared layers; None prepares at every start")
    register_addresses: int = Field(
        default=600_000,
        ge=0,
        description="addresses kept in memory; about 120 bytes each, the largest municipality 100 000",
    )
    lookups_per_minute: int = Field(
        default=1200, gt=0, description="addresses and points that one client may ask about"
    )
    base_maps: Path | None = Field(
        default=None, description="TOML file with the municipalities' base maps (docs/operations.md); none without it"
    )

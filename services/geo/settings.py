"""What geo reads from the environment beyond what every room reads."""

from pathlib import Path

from pydantic import Field

from services.runtime.settings import RoomSettings


class GeoSettings(RoomSettings):
    """Where the prepared layers are kept between starts."""

    cache_dir: Path | None = Field(default=None, description="folder for prepared layers; None prepares at every start")

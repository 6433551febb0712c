"""What analysis reads from the environment: what every room reads."""

from services.runtime.settings import RoomSettings


class AnalysisSettings(RoomSettings):
    """No settings of its own yet."""

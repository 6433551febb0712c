"""Settings that every room has, read from the environment with the prefix ``LAGESBILD_``."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class RoomSettings(BaseSettings):
    """Where a process finds its servers and the other rooms, and how patient it is.

    Times are seconds. A room's own settings extend this class in ``<room>/settings.py``.
    """

    model_config = SettingsConfigDict(env_prefix="LAGESBILD_", extra="ignore", frozen=True)

    database_url: SecretStr = Field(description="postgresql+asyncpg URL of this process' own role")
    kafka: SecretStr = Field(
        default=SecretStr("127.0.0.1:9092"), description="where and as whom; see services/runtime/kafka_access.py"
    )
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = Field(default="http://127.0.0.1:8080", description="the one address in front of all rooms")
    ingest_url: str = "http://127.0.0.1:8001"
    geo_url: str = "http://127.0.0.1:8002"
    analysis_url: str = "http://127.0.0.1:8003"
    notify_url: str = "http://127.0.0.1:8004"
    service_secret: SecretStr = Field(default=SecretStr(""), description="this room's secret for service tokens")
    log_level: str = "INFO"
    otlp_endpoint: str = Field(default="", description="a collector's …/v1/traces; no traces when empty")
    otlp_ratio: float = Field(default=1.0, ge=0, le=1, description="share of the traces that are recorded")

    pool_size: int = 5
    max_records: int = Field(default=2000, description="largest batch; docs/decisions/0011-lanes.md")
    session_timeout_ms: int = 10_000
    heartbeat_interval_ms: int = 3_000
    rebalance_timeout_ms: int = Field(default=60_000, description="room for the batch in flight when partitions move")
    max_poll_interval_ms: int = 300_000
    retry_budget: float = Field(default=60.0, description="retry in place this long; below a third of max poll")
    dead_letter_limit: int = Field(default=100, description="more than this many dead letters …")
    dead_letter_window: float = Field(default=600.0, description="… in this many seconds halt the consumer")
    graceful_timeout: float = 30.0
    metadata_max_age_ms: int = 60_000

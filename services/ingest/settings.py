"""What ingest reads from the environment beyond what every room reads."""

from pydantic import Field, SecretStr

from services.runtime.settings import RoomSettings


class IngestSettings(RoomSettings):
    """Mail for login codes, and the secrets by which the other rooms get their service tokens."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 2525
    smtp_starttls: bool = False
    mail_from: str = "lagesbild@localhost"
    service_secrets: SecretStr = Field(default=SecretStr(""), description="room:secret, comma separated")
    mailbox_path: str = Field(default="", description="where a local run shows its caught mail; empty elsewhere")
    seal_secret: SecretStr = Field(
        default=SecretStr(""), description="what seals identity providers' secrets; chance, at least 16 signs"
    )
    photos: str = Field(
        default="", description="where photos lie: a folder, or s3://bucket/prefix; none are taken in when empty"
    )
    s3_endpoint: str = Field(default="", description="an S3 server that is not Amazon's own")
    s3_region: str = "eu-north-1"
    s3_key_id: str = ""
    s3_secret: SecretStr = SecretStr("")
    device_days: int = 180
    staff_hours: float = Field(default=12, gt=0, description="how long a login at an identity provider holds here")
    code_minutes: int = 10
    requests_per_minute: int = Field(default=1200, description="single reports per client")
    lines_per_minute: int = Field(default=60_000, description="batch lines per client")
    requests_per_day: int = Field(default=100_000, description="single reports per client, a quota")
    lines_per_day: int = Field(default=1_000_000, description="batch and upload lines per client, a quota")
    photos_per_minute: int = Field(default=120, description="photos per person")
    logins_per_minute: int = Field(default=30, description="login attempts per address of the network")
    secure_cookies: bool | None = Field(default=None, description="None: secure when the public address is https")

    @property
    def cookies_are_secure(self) -> bool:
        """Whether cookies may travel over https only."""
        return self.public_url.startswith("https://") if self.secure_cookies is None else self.secure_cookies

    def secret_of(self, room: str) -> str | None:
        """The service secret of a room, None when it has none."""
        pairs = (entry.partition(":") for entry in self.service_secrets.get_secret_value().split(",") if entry)
        return next((secret for name, _, secret in pairs if name == room and secret), None)

"""What notify reads from the environment beyond what every room reads."""

from pydantic import SecretStr

from services.notify.gateways.sms import SmsProvider
from services.runtime.settings import RoomSettings


class NotifySettings(RoomSettings):
    """Where messages are handed over, and the sender's patience. Seconds unless the name says otherwise.

    ``sms_providers``: JSON, in order of priority. ``outside_allowed``: host:port of what an operator runs inside and
    lets messages go to (an ntfy server, say); everything else inside is refused. ``seal_secret`` seals addresses.
    ``most_in_one``: how many alerts of one receiver go in one message when they wait together.
    """

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 2525
    smtp_starttls: bool = False
    mail_from: str = "lagesbild@localhost"
    sms_providers: tuple[SmsProvider, ...] = ()
    outside_allowed: tuple[str, ...] = ()
    seal_secret: SecretStr = SecretStr("")
    lease_seconds: float = 120.0
    idle_seconds: float = 0.5
    senders: int = 8
    messages_per_hour: int = 12
    most_in_one: int = 20_000
    pursue_seconds: float = 5.0
    roster_seconds: float = 60.0
    rota_seconds: float = 900.0
    alert_deadline_hours: float = 24.0
    oldest_event_days: float = 7.0
    longest_retry_delay: float = 600.0

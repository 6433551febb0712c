"""What notify reads from the environment beyond what every room reads."""

from pydantic import Field, SecretStr

from services.notify.gateways.sms import SmsProvider
from services.runtime.settings import RoomSettings

MOST_PER_SECOND = {"sms": 10.0, "push": 50.0, "teams": 2.0, "webhook": 10.0, "ntfy": 5.0, "apprise": 1.0}
"""What is sent at most; a Teams flow takes about four (its maker's figure)."""


class NotifySettings(RoomSettings):
    """Where messages are handed over, and the sender's patience. Seconds unless the name says otherwise.

    ``bounce_address``: where mail that cannot be delivered comes back, with ``+`` and the message's number before the
    ``@``; ``bounce_imap``: the mailbox that it lands in, ``imaps://user:password@host[:port]/folder``.
    ``sms_providers``: JSON, in order of priority. ``outside_allowed``: host:port of what an operator runs inside and
    lets messages go to (an ntfy server, say); everything else inside is refused. ``seal_secret`` seals addresses.
    ``push_allowed``: the same for push services; a separate list, since everybody may name one for their device.
    ``apprise_schemes``: JSON, which of Apprise's services may be used (``["matrixs"]``); needs the extra ``apprise``.
    ``most_per_second``: by channel, for each place outside, over all processes; one that is not named has no limit.
    ``most_in_one``: how many alerts of one receiver go in one message when they wait together.
    """

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 2525
    smtp_starttls: bool = False
    mail_from: str = "lagesbild@localhost"
    bounce_address: str = ""
    bounce_imap: SecretStr = SecretStr("")
    bounce_seconds: float = 60.0
    sms_providers: tuple[SmsProvider, ...] = ()
    outside_allowed: tuple[str, ...] = ()
    push_allowed: tuple[str, ...] = ()
    apprise_schemes: tuple[str, ...] = ()
    most_per_second: dict[str, float] = Field(default_factory=lambda: dict(MOST_PER_SECOND))
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

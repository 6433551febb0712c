"""What notify reads from the environment beyond what every room reads."""

from services.runtime.settings import RoomSettings


class NotifySettings(RoomSettings):
    """Where mail is handed over, and the sender's patience. Seconds unless the name says otherwise."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 2525
    smtp_starttls: bool = False
    mail_from: str = "lagesbild@localhost"
    lease_seconds: float = 120.0
    alert_deadline_hours: float = 24.0
    oldest_event_days: float = 7.0
    longest_retry_delay: float = 600.0

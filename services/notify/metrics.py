"""Metrics of the voice."""

from prometheus_client import Counter, Gauge

CHANNELS = ("mail", "sms", "push", "teams", "webhook", "ntfy", "apprise")
MAILS = Counter("est_mails_total", "Attempts to hand over a mail", ["outcome"])
MESSAGES = Counter("est_messages_total", "Attempts to hand over a message by any channel", ["channel", "outcome"])
NOTICES = Counter("est_notices_total", "What there was to tell, by what became of it", ["outcome"])
NOBODY_TO_TELL = Counter("est_notices_without_receiver_total", "Rules that named nobody who could be told")
UNANSWERED = Counter("est_alerts_unanswered_total", "Alerts that had to be answered, and nobody was left to tell")
LOST = Counter("est_messages_lost_total", "Entries of the ledger that reached nobody and are tried no more", ["why"])
UNPROVEN = Gauge(
    "est_channels_unproven", "Channels in use that have carried nothing for 35 days, or never", ["channel"]
)
WAITING = Gauge("est_voice_waiting", "What is due and not done, by kind", ["what"])
for _outcome in ("sent", "delayed", "failed"):
    MAILS.labels(_outcome)  # zeros from the start: Prometheus sees no increase in a counter that first appears as 1
for _receiver in ("person", "destination"):
    MESSAGES.labels(_receiver, "bundled")
for _channel in CHANNELS:  # what is unproven has no zero before it is measured: it would end an alarm at each start
    for _outcome in ("sent", "delayed", "refused", "failed"):
        MESSAGES.labels(_channel, _outcome)
for _outcome in ("routed", "held", "expired"):
    NOTICES.labels(_outcome)
for _why in ("expired", "failed", "code"):
    LOST.labels(_why)
for _what in ("route", "send", "pursue", "thank"):
    WAITING.labels(_what)

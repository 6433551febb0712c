"""Kafka in: what analysis listens to. Its effects can all be read again, so commits may be asynchronous."""

from schemas.topics import ALERT_ANSWERED, APPOINTMENT_CHANGED, CONTEXT_LOCATED, REPORT_LOCATED
from services.analysis.handlers.answers import take_answers
from services.analysis.handlers.appointments import take_appointments
from services.analysis.handlers.facts import take_context, take_reports
from services.analysis.views import fact
from services.runtime.boundary import Consumer

CONSUMERS = (
    Consumer("analysis.reports", REPORT_LOCATED, take_reports, asynchronous=True, read=fact.read),
    Consumer("analysis.context", CONTEXT_LOCATED, take_context, asynchronous=True),
    Consumer("analysis.appointments", APPOINTMENT_CHANGED, take_appointments, asynchronous=True),
    Consumer("analysis.answers", ALERT_ANSWERED, take_answers, asynchronous=True),
)

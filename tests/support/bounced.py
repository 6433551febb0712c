"""Delivery reports as mail servers write them."""

POSTFIX = """Return-Path: <>
Delivered-To: {to}
From: MAILER-DAEMON@mx.exempel.invalid (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain; charset=utf-8

This is the mail system at host mx.exempel.invalid.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.exempel.invalid
Arrival-Date: Fri, 27 Nov 2026 07:00:00 +0100

Final-Recipient: rfc822; borta@exempel.invalid
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b1
Content-Type: message/rfc822

Subject: Dagordning
From: lagesbild@exempel.invalid

--b1--
"""


def report(to: str, *, action: str = "failed", status: str = "5.1.1") -> bytes:
    """A delivery report that came to an address."""
    return POSTFIX.format(to=to, action=action, status=status).replace("\n", "\r\n").encode()

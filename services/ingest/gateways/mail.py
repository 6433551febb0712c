"""The mail server, which carries login codes."""

from email.message import EmailMessage
from email.utils import make_msgid

from services.pages.texts import text
from services.runtime.mail import SmtpServer

Mailer = SmtpServer


def login_mail(sender: str, receiver: str, code: str, minutes: int) -> EmailMessage:
    """The mail with a login code. A code, not a link: mail scanners open links (experience reference §3.5)."""
    mail = EmailMessage()
    mail["Subject"] = text("login.mail_subject")
    mail["From"], mail["To"] = sender, receiver
    mail["Message-ID"] = make_msgid(domain="lagesbild.local")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text("login.mail_body", code=f"{code[:3]} {code[3:]}", minutes=minutes))
    return mail

"""Short texts: one SMS where that is possible, in the alphabet that costs least."""

from services.pages.texts import text

GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""GSM 03.38, the basic table: one septet each."""
ONE_SMS = 160
_INSTEAD = str.maketrans(
    {"–": "-", "−": "-", "—": "-", "”": '"', "“": '"', "’": "'", "\N{NO-BREAK SPACE}": " ", "…": "..."}
)


def plain(said: str) -> str:
    """The text in GSM-7; what the alphabet lacks becomes a question mark."""
    return "".join(c if c in GSM7 else "?" for c in said.translate(_INSTEAD))


def short(said: str, link: str) -> str:
    """One SMS: whose it is, what is said, where to read on. What is said is cut at a word where it must be."""
    room = ONE_SMS - len(plain(text("sms.frame", said="", link=link)))
    body = plain(said)
    if len(body) > room:
        body = body[: max(0, room - 3)].rsplit(" ", 1)[0].rstrip(" ,.") + "..."
    return plain(text("sms.frame", said=body, link=link))

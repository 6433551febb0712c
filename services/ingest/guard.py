"""The privacy guard: certain patterns of personal data in texts that people write, refused before anything is stored.

Only what is certain is refused here: a personnummer or samordningsnummer with a right check digit, an e-mail
address, a Swedish phone number. The answer and the log name the rule, never the content.
"""

import re
from collections.abc import Iterator

_PERSONNUMMER = re.compile(r"(?<!\d)(?:19|20)?(\d{2})(\d{2})(\d{2})[-+ ]?(\d{3})(\d)(?!\d)")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\d-])(?:\+46|0046|0)[ -]?\(?0?\)?\d{1,3}[ -/]?(?:\d[ -]?){5,8}\d?(?![\d-])")
_COORDINATION_DAYS = 60
"""A samordningsnummer is a personnummer whose day has 60 added (Skatteverket)."""


def luhn_digit(nine_digits: str) -> int:
    """Check digit of the nine digits before it, by the Luhn rule with weights 2 1 2 1 and so on."""
    total = 0
    for index, digit in enumerate(nine_digits):
        product = int(digit) * (2 if index % 2 == 0 else 1)
        total += product if product < 10 else product - 9
    return -total % 10


def _is_personnummer(match: re.Match[str]) -> bool:
    year, month, day, serial, check = match.groups()
    real_day = int(day) - _COORDINATION_DAYS if int(day) > _COORDINATION_DAYS else int(day)
    return 1 <= int(month) <= 12 and 1 <= real_day <= 31 and luhn_digit(year + month + day + serial) == int(check)


def findings(text: str) -> Iterator[str]:
    """The rules that the text breaks: ``personnummer``, ``email``, ``phone``."""
    if any(_is_personnummer(m) for m in _PERSONNUMMER.finditer(text)):
        yield "personnummer"
    if _EMAIL.search(text):
        yield "email"
    if any(sum(c.isdigit() for c in m.group()) >= 8 for m in _PHONE.finditer(text)):
        yield "phone"

"""The privacy guard: personal data in texts that people write, found before anything is stored.

The rules are data (``services/pages/static/guard.json``), the same for the phone and for us; this is the engine, and
``guard.js`` is the other one, held against each other by shared texts. What is certain is refused, what is probable is
warned of. The answer and the log name the rule, never the content.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Literal
from unicodedata import normalize

Code = Literal[
    "personal_identifier", "person_description", "sensitive_data", "dwelling_identifier", "out_of_scope", "case_data"
]
_LETTERS = "0-9A-Za-zÅÄÖåäöÉéÜüØøÆæ_"
_BOUNDARIES = str.maketrans({"⟨": f"(?<![{_LETTERS}])", "⟩": f"(?![{_LETTERS}])"})
_SPACES = (
    "\t\n\r\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{MEDIUM MATHEMATICAL SPACE}\N{IDEOGRAPHIC SPACE}"
    + "".join(map(chr, range(0x2000, 0x200B)))
)
_HYPHENS = "".join(map(chr, range(0x2010, 0x2016))) + "\N{MINUS SIGN}"
_UNSEEN = "\N{SOFT HYPHEN}\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}" + "".join(map(chr, range(0x200B, 0x200E)))
_PLAIN = str.maketrans(dict.fromkeys(_SPACES, " ") | dict.fromkeys(_HYPHENS, "-") | dict.fromkeys(_UNSEEN, ""))
_CONTEXT = 40
"""Signs before and after a match that its exceptions look at."""
_IN_AN_ID = re.compile(r"(?<![0-9A-Za-z])(19|20|)(\d{6})([-+]?)(\d{4})(?![0-9A-Za-z])")
_YOUNGEST = 10
_COORDINATION_DAYS = 60
"""A samordningsnummer is a personnummer whose day has 60 added (Skatteverket)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: a reason code, the rule, whether it is certain, and where in the plain text."""

    code: Code
    rule: str
    sure: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Rule:
    code: Code
    name: str
    sure: bool
    pattern: re.Pattern[str]
    checked: bool
    not_match: re.Pattern[str] | None
    not_before: re.Pattern[str] | None
    not_after: re.Pattern[str] | None

    def allows(self, text: str, match: re.Match[str]) -> bool:
        """Whether none of the rule's exceptions holds."""
        if self.checked and not is_personnummer(match.group()):
            return False
        if self.not_match is not None and self.not_match.search(match.group()):
            return False
        before, after = text[max(0, match.start() - _CONTEXT) : match.start()], text[match.end() :][:_CONTEXT]
        if self.not_before is not None and self.not_before.search(before):
            return False
        return self.not_after is None or not self.not_after.search(after)


@cache
def _rules() -> tuple[_Rule, ...]:
    read = json.loads((resources.files("services.pages") / "static" / "guard.json").read_text("utf-8"))
    lists = {name: "|".join(sorted(words.split(), key=len, reverse=True)) for name, words in read["lists"].items()}

    def compiled(rule: dict[str, str], key: str) -> re.Pattern[str] | None:
        written = rule.get(key)
        if written is None:
            return None
        for name, words in lists.items():
            written = written.replace(f"{{{name}}}", words)
        return re.compile(written.translate(_BOUNDARIES), re.NOFLAG if rule.get("case") else re.IGNORECASE)

    made = []
    for rule in read["rules"]:
        pattern = compiled(rule, "pattern")
        assert pattern is not None  # noqa: S101 - narrows the type: every rule has one
        exceptions = [compiled(rule, key) for key in ("not_match", "not_before", "not_after")]
        made.append(_Rule(rule["code"], rule["name"], rule["sure"], pattern, rule.get("check") == "luhn", *exceptions))
    return tuple(made)


def plain(text: str) -> str:
    """The text as the rules read it: letters composed, one kind of space and of hyphen, nothing that is not seen."""
    return normalize("NFC", text).translate(_PLAIN)


def luhn_digit(nine_digits: str) -> int:
    """Check digit of the nine digits before it, by the Luhn rule with weights 2 1 2 1 and so on."""
    total = 0
    for index, digit in enumerate(nine_digits):
        product = int(digit) * (2 if index % 2 == 0 else 1)
        total += product if product < 10 else product - 9
    return -total % 10


def is_personnummer(written: str) -> bool:
    """Whether the last ten digits are a personnummer or samordningsnummer with a right check digit."""
    digits = re.sub(r"\D", "", written)[-10:]
    month, day = int(digits[2:4]), int(digits[4:6])
    real_day = day - _COORDINATION_DAYS if day > _COORDINATION_DAYS else day
    return 1 <= month <= 12 and 1 <= real_day <= 31 and luhn_digit(digits[:9]) == int(digits[9])


def names_a_person(code: str, today: date) -> bool:
    """Whether an id or a code holds the personnummer of somebody who is ten or older.

    Only with a century or a sign before the last four: ten digits alone are a number like any other. Younger ones are
    let through, because numbers of cases begin with their day.
    """
    for century, digits, sign, last in _IN_AN_ID.findall(code):
        day = digits[:2]
        born = int(century + day) if century else today.year - (today.year - int(day)) % 100
        if (century or sign) and born <= today.year - _YOUNGEST and is_personnummer(digits + last):
            return True
    return False


def findings(text: str) -> Iterator[Finding]:
    """What the text holds that should not be there, rule by rule. A tenth of a millisecond for a line."""
    read = plain(text)
    for rule in _rules():
        for match in rule.pattern.finditer(read):
            if rule.allows(read, match):
                yield Finding(rule.code, rule.name, rule.sure, match.start(), match.end())


def codes(text: str) -> set[Code]:
    """The reason codes of a text, none for a harmless one."""
    return {found.code for found in findings(text)}

"""Messages in another language than Swedish: all of it, nothing half; the rest of the product stays as it is."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from schemas.taxonomy import current
from services.analysis.domain import picture
from services.analysis.web import picture_words
from services.notify.domain.plan import Interest
from services.notify.domain.routing import FOLLOWED, REPORTED
from services.notify.handlers.digesting import agenda, agenda_notice, words
from services.notify.wording.alerts import Known, Said, describe, invitation_to, said
from services.notify.wording.messages import Frame, message, reasons
from services.pages import texts, writing
from services.pages.texts import catalogue, speaking, text
from tests.support.facts import NOON
from tests.support.notices import COMPANY, alert, case, follows, report
from tests.unit.analysis.test_picture import AREA, read

SP = "\N{NO-BREAK SPACE}"
PLACE = re.compile(r"\{(\w+)\}")


@pytest.fixture
def english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """English is spoken, and there is no Swedish to fall back to."""
    known = catalogue("en")
    monkeypatch.setattr(texts, "catalogue", lambda language="sv": known if language == "en" else {})
    with speaking("en"):
        yield


def test_another_catalogue_has_the_same_keys_and_values_and_every_type() -> None:
    swedish, english = catalogue(), catalogue("en")
    codes = {g.code for g in current().groups} | {t.code for t in current().types}
    assert {k for k in english if k not in swedish} == {f"type.{code}" for code in codes}
    both = english.keys() & swedish.keys()
    assert [k for k in both if set(PLACE.findall(english[k])) != set(PLACE.findall(swedish[k]))] == []


def test_numbers_and_days_are_written_as_in_the_language() -> None:
    at = datetime(2026, 11, 6, 6, 10, tzinfo=UTC)
    with speaking("en"):
        assert writing.whole(-1234567) == "−1,234,567"
        assert writing.decimal(1234.25) == "1,234.2"
        assert writing.full_day(date(2026, 11, 19)) == f"Thursday 19{SP}November{SP}2026"
        assert writing.moment(at) == f"6{SP}Nov 07:10"
        assert writing.interval(at, at.replace(hour=8)).endswith("07:10–09:10")
        assert text("voice.open") == "Open in Lägesbild"
        assert text("deliveries.choose") == catalogue()["deliveries.choose"], "what has no English is in Swedish"
    assert writing.moment(at) == f"6{SP}nov kl.{SP}07.10"


EVIDENCE = {"document": {"evidence": [{"kind": "A1", "weeks": 4, "adjusted": {"expected": 5.1}}],
                         "data": {"preliminary": 0.12}}}  # fmt: skip
THANKS = {"kinds": {"A1": 2, "C10": 1}, "number": "2026:24"}
KINDS = ("report", "own type", "reports", "case", "changed", "closed", "silent", "never", "back", "draft", "adopted",
         "test", "code", "thanks", "placed", "unplaced")  # fmt: skip
SILENT: dict[str, Any] = {"kind": "silent_source", "event_type": None, "area": None}


def _told(kind: str) -> Said:
    """One of each kind of alert, as they come."""
    test = alert(report(), kind="test", event={})
    made: dict[str, tuple[Any, Known]] = {
        "report": (alert(report(event_type="A3", severity=4)), Known("Centrum")),
        "own type": (alert(report(event_type="A-X1")), Known("Centrum")),
        "reports": (alert(report(), 4), Known(None)),
        "case": (alert(case("opened")), Known("Centrum", EVIDENCE)),
        "changed": (alert(case("changed")), Known(None)),
        "closed": (alert(case("closed")), Known("Centrum", EVIDENCE)),
        "silent": (alert(case("opened", **SILENT)), Known()),
        "never": (alert(case("opened", **SILENT, since=None)), Known()),
        "back": (alert(case("closed", **SILENT)), Known(organisation="Bo AB")),
        "draft": (alert(case("opened", kind="lagesbild", number="2026:24")), Known()),
        "adopted": (alert(case("adopted", kind="lagesbild", number="2026:24")), Known()),
        "test": (test, Known()),
        "code": (alert(report(), kind="code", event={}), Known(code="123456")),
        "thanks": (
            alert(report(), kind="feedback", event={"kinds": {"A1": 2, "C10": 1}, "number": "2026:24"}),
            Known(),
        ),
        "placed": (alert(report(), kind="feedback", event={"placed": True}), Known("Centrum")),
        "unplaced": (alert(report(), kind="feedback", event={"placed": True}), Known()),
    }
    return said(*made[kind])


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_message_is_whole_in_english(kind: str) -> None:
    told = _told(kind)
    why = reasons([FOLLOWED, REPORTED], {}, describe(follows(types=("A1", "B")), None))
    made = message([(alert(report()), told)], Frame("https://h.exempel", "<x@y>", why))
    assert made.language == "en"
    assert 'lang="en"' in made.html
    assert re.search(r"[åäö]", made.text.replace("Lägesbild", "").replace("lägesbild", "")
                     .replace("”Jag tar den”", "").replace("”tysta till mötet”", "")) is None  # fmt: skip
    both = [(alert(report()), told), (alert(case()), told)]
    several = message(both, Frame("https://h.exempel", "<x@y>", why), [alert(case())] * 2)
    assert several.title.startswith("4 things to know")


def _agenda(*, english: bool) -> dict[str, Any]:
    document, names = picture.draft(read()), {AREA: "Centrum"}
    made = agenda({"number": "2026:24"} | picture_words.agenda(document, names), NOON)
    if english:
        with speaking("en"):
            made["also"] = {"en": words(picture_words.agenda(document, names))}
    return made


def test_an_agenda_is_whole_in_the_language_of_the_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    event = _agenda(english=True)
    told = alert(agenda_notice("0682", NOON, event), kind="agenda")
    swedish = said(told, Known())
    known = catalogue("en")
    monkeypatch.setattr(texts, "catalogue", lambda language="sv": known if language == "en" else {})
    with speaking("en"):
        whole = said(told, Known())
        extract = said(told, Known(organisation="Bo AB", interest=Interest(types=("A1",))))
    assert [len(lines) for _, lines in whole.sections] == [len(lines) for _, lines in swedish.sections]
    assert whole.sections[0][0] == "New, up and down"
    assert whole.sections[0][1][0].startswith(
        "More reports than expected of graffiti in Centrum (established). 21 reports"
    )
    assert extract.title.startswith("Extract for Bo AB")
    assert whole.facts == (("Lägesbild", "Lägesbild 2026:24"),)
    assert swedish.sections[0][0] == "Nytt, upp och ned"


@pytest.mark.usefixtures("english")
def test_an_invitation_is_whole_in_english() -> None:
    event = {"invitation": 1_764_000_000, "begins": NOON.isoformat(), "meeting": NOON.isoformat(), "sections": []}
    told = alert(report(), kind="agenda", event=event)
    assert said(told, Known(organisation=str(COMPANY))).title == "Invitation: meeting every Thursday at 13:00"
    invitation = invitation_to(told, "https://h.exempel")
    assert invitation is not None
    assert invitation.title == "Meeting on safety (EST)"


def test_who_chose_english_after_an_agenda_was_written_reads_its_lines_in_swedish() -> None:
    told = alert(agenda_notice("0682", NOON, _agenda(english=False)), kind="agenda")
    with speaking("en"):
        late = said(told, Known())
    assert late.title.startswith("Before the meeting")
    assert late.sections[0][0] == "Nytt, upp och ned"

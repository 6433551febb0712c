"""What messages say: mail, SMS, card; plain Swedish, every number with what it is held against."""

import re
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.notify.domain.notices import Notice
from services.notify.domain.plan import Interest
from services.notify.domain.routing import FOLLOWED
from services.notify.gateways.channel import Message
from services.notify.gateways.mail import letter_of
from services.notify.gateways.posted import MOST_CARD_BYTES, teams_card
from services.notify.handlers.composing import order
from services.notify.handlers.digesting import agenda_notice
from services.notify.wording.alerts import Known, describe, said
from services.notify.wording.messages import Frame, message, reasons
from services.notify.wording.sms import GSM7, ONE_SMS, plain, short
from services.runtime.errors import Permanent
from tests.support.facts import NOON
from tests.support.notices import COMPANY, alert, case, follows, report, situation

FRAME = Frame("https://h.exempel", "<x@y>", reasons([FOLLOWED, "signal"], {"signal": "Ny signal"}, "klotter i centrum"),
              stop="https://h.exempel/utskick/av?t=1")  # fmt: skip


class Waiting(NamedTuple):
    urgent: bool
    kind: str
    created_at: datetime


SWEDEN = ZoneInfo("Europe/Stockholm")
IN_CENTRUM = Known("Nässjö centrum")


def told(*notices: Notice, known: Known = IN_CENTRUM, count: int = 1) -> Message:
    alerts = [alert(n, count) for n in notices]
    return message([(a, said(a, known)) for a in alerts], FRAME)


def mail_of(message: Message, sender: str = "Lägesbild <a@x.invalid>", receiver: str = "b@x.invalid") -> EmailMessage:
    return message_from_bytes(letter_of(message, sender, receiver).content, policy=default)


def text_of(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\N{NO-BREAK SPACE}", " ")


def test_a_report_says_what_where_when_and_why() -> None:
    mail = mail_of(told(report(event_type="A3", severity=3, invented=True)))
    assert mail["Subject"] == "Brand, anlagd brand i Nässjö centrum"
    assert mail["Message-ID"] == "<x@y>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-generated"
    for part in ("Nässjö centrum", "19 nov kl. 13.00", "3 – allvarligt", "påhittade", "Du följer klotter i centrum.",
                 "Kommunens regel: Ny signal.", "Jag tar den"):  # fmt: skip
        assert part in text_of(mail, "plain"), part
        assert part in re.sub(r"\s+", " ", text_of(mail, "html")), part
    assert 'lang="sv"' in text_of(mail, "html")
    assert set(re.findall(r"https?://[^/\"' )]+", text_of(mail, "html"))) <= {"https://h.exempel", "http://www.w3.org"}


def test_several_alike_reports_are_counted_and_the_thread_holds_them_together() -> None:
    first = told(report(severity=2))
    more = told(report(severity=2), count=3)
    assert more.subject == "3 rapporter: klotter i Nässjö centrum"
    assert first.thread == more.thread
    assert "3 likadana rapporter sedan 19 nov kl. 13.00" in more.text.replace("\N{NO-BREAK SPACE}", " ")


CASE: dict[str, Any] = {
    "document": {"evidence": [{"kind": "A1", "weeks": 4, "adjusted": {"expected": 5.1}}], "data": {"preliminary": 0.12}}
}


def test_a_case_says_seen_expected_since_when_and_what_may_be_wrong() -> None:
    made = told(case(), known=Known("Nässjö centrum", CASE))
    assert made.subject == "Fler rapporter än väntat om klotter i Nässjö centrum"
    body = made.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "11 rapporter på fyra veckor mot väntat 4,2." in body
    assert "Räknat per aktiv rapportör var väntat 5,1." in body
    assert "Cirka 12 procent" in body
    assert "Sedan: 19 november 2026" in body
    monday = case(since=datetime(2026, 5, 11, tzinfo=SWEDEN))  # as analysis sends a day; the contract makes it UTC
    assert "Sedan: 11 maj 2026" in told(monday, known=Known("Nässjö centrum", CASE)).text.replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert "säkerställ" not in (told(case(), known=Known("Nässjö centrum", CASE)).text + made.short)
    sure = deepcopy(CASE)
    sure["document"]["evidence"][0]["q"] = 0.01
    labels = [said(alert(case()), Known("Nässjö centrum", one)).label for one in (CASE, sure, None)]
    assert labels == ["Signal", "Signal · säkerställd", "Signal"]
    alone = told(case()).text
    assert "11 rapporter mot väntat 4,2." in alone  # analysis is away: no guess about the weeks
    assert "Inte längre fler än väntat" in told(case("closed")).subject


def test_a_silent_source_is_not_called_calm() -> None:
    notice = case(kind="silent_source", event_type=None, area=None, organisation=COMPANY)
    made = told(notice, known=Known(organisation="Väktarbolaget"))
    assert made.short.startswith("Lägesbild: Väktarbolaget har inte rapporterat sedan 19 nov. Tystnad är inte")


def test_a_lagesbild_leads_to_its_own_page() -> None:
    notice = case("adopted", kind="lagesbild", event_type=None, area=None, number="2026:23")
    assert told(notice).link == "https://h.exempel/lagesbilder/2026:23"


def test_several_things_are_one_message_that_names_each() -> None:
    made = told(case(), report(severity=3))
    assert made.subject.startswith("2 saker att veta: Fler rapporter än väntat")
    for title in ("Fler rapporter än väntat om klotter", "Klotter i Nässjö centrum"):
        assert title in made.text
        assert title in made.html


def test_a_machine_is_told_of_each_also_of_what_is_not_spelled_out() -> None:
    alerts = [alert(case(situation_id=UUID(int=n + 1)), alert_id=UUID(int=n + 1)) for n in range(40)]
    made = message([(a, said(a, IN_CENTRUM)) for a in alerts[:30]], FRAME, alerts[30:])
    assert len({a["alert_id"] for a in made.data["alerts"]}) == 40
    assert made.data["more"] == 0
    assert "10" in made.intro, "people are told how many more there are"


def test_word_that_did_not_arrive_is_said_again_without_what_it_was() -> None:
    """What somebody reported was forgotten when it had been said the first time."""
    placed = replace(alert(report()), kind="feedback", event={"placed": True}, event_type=None, area=None)
    assert said(placed, Known()).title == "Din rapport har kommit fram"


def test_what_is_on_no_list_stands_first_in_a_long_message() -> None:
    rows: list[Any] = [Waiting(False, "case", NOON), Waiting(False, "agenda", NOON + timedelta(hours=1)),
            Waiting(True, "report", NOON + timedelta(hours=2))]  # fmt: skip
    assert [r.kind for r in sorted(rows, key=order)] == ["report", "agenda", "case"]


@pytest.mark.parametrize(
    "area", ["Nässjö centrum", "Ett område med ett namn som är så långt att det aldrig får plats " * 2, "Łódź–”x”"]
)
def test_an_sms_is_one_sms_in_its_own_alphabet(area: str) -> None:
    for notice in (case(), case("closed"), report(severity=4, event_type="C4")):
        made = told(notice, known=Known(area))
        assert len(made.short) <= ONE_SMS
        assert set(made.short) <= GSM7
        assert made.short.endswith("/l/" + str(alert(notice).alert_id)[:8])


def test_a_cut_text_ends_at_a_word() -> None:
    assert short("ord " * 60, "https://h/l/1").count("ord...") == 1
    assert plain("19\N{NO-BREAK SPACE}nov – ”så” …ł") == '19 nov - "så" ...?'


def test_what_people_wrote_in_names_is_never_markup() -> None:
    made = told(report(severity=3), known=Known("<script>x</script> & co"))
    assert "<script>" not in made.html
    assert "<script>x</script> & co" in made.text


def test_a_card_is_small_enough_and_leads_on() -> None:
    card = teams_card(told(case()))
    content = card["attachments"][0]["content"]
    assert content["version"] == "1.4"
    assert content["actions"][0]["url"].startswith("https://h.exempel/larm/")
    assert len(str(teams_card(told(*[report(n, severity=3) for n in range(40)])))) < MOST_CARD_BYTES


def test_what_is_followed_in_words() -> None:
    assert describe(follows(), None) == "alla typer i hela kommunen, minst allvar 1"
    assert describe(follows(types=("A", "B1"), area="x"), "Centrum").startswith("skadegörelse, ")
    assert situation().minted_at == NOON


def test_a_department_gets_of_the_agenda_what_concerns_it() -> None:
    sections = [
        {"key": "findings", "title": "Nytt", "lines": ["klotter upp", "trafik upp", "allt ned"],
         "about": [{"type": "A1", "area": "a"}, {"type": "D", "area": "b"}, {"type": None, "area": None}]},
        {"key": "quality", "title": "Säkert", "lines": ["40 aktiva"], "about": []},
    ]  # fmt: skip
    event = {"meeting": NOON.isoformat(), "picture": "lägesbild 2026:1", "path": "/x", "sections": sections}
    whole = agenda_notice("0682", NOON, event)

    def lines(**interest: Any) -> list[str]:
        known = Known(organisation="Gatukontoret", interest=Interest(**interest) if interest else None)
        return [line for _, found in said(alert(whole), known).sections for line in found]

    assert lines() == ["klotter upp", "trafik upp", "allt ned", "40 aktiva"]
    assert lines(types=("A",)) == ["klotter upp", "allt ned", "40 aktiva"]
    assert lines(types=("A12",)) == ["allt ned", "40 aktiva"], "A1 is not A12"
    assert lines(types=("D2",)) == ["trafik upp", "allt ned", "40 aktiva"], (
        "what is said of a group is said of its types"
    )
    assert lines(areas=("regso/a",)) == ["klotter upp", "allt ned", "40 aktiva"]
    extract = said(alert(whole), Known(organisation="Gatukontoret", interest=Interest(types=("A",))))
    assert extract.title.startswith("Utdrag för Gatukontoret inför mötet")
    assert said(alert(whole), Known()).title.startswith("Inför mötet")


def test_a_mail_is_whole_for_every_receiver_and_no_header_can_be_smuggled_in() -> None:
    message = replace(told(report()), stop="https://h.exempel/utskick/av?t=1", receipt_to="studs+1@x.invalid")
    first, second = (letter_of(message, "Lägesbild <a@x.invalid>", f"{who}@x.invalid") for who in ("b", "c"))
    assert (first.sender, first.receiver, second.receiver) == ("studs+1@x.invalid", "b@x.invalid", "c@x.invalid")
    assert first.content.partition(b"\r\n\r\n")[2] == second.content.partition(b"\r\n\r\n")[2]
    assert all(len(line) <= 998 for line in first.content.split(b"\r\n"))
    assert b"\n" not in first.content.replace(b"\r\n", b"")
    mail = mail_of(replace(message, subject="Åtgärd\r\nBcc: x@y.invalid " + "ö" * 200))
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("Åtgärd Bcc: x@y.invalid ööö")
    assert mail["Subject"].endswith("ö" * 200)
    assert (mail["From"].addresses[0].display_name, mail["From"].addresses[0].addr_spec) == ("Lägesbild", "a@x.invalid")
    assert mail["Date"] is not None
    assert [p.get_content_type() for p in mail.iter_parts()] == ["text/plain", "text/html"]
    with pytest.raises(Permanent):
        letter_of(message, "a@x.invalid", "b@x.invalid\r\nBcc: d@x.invalid")

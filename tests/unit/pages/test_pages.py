"""Texts, numbers, maps and charts."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from services.pages import charts, maps, writing
from services.pages.texts import catalogue, text

ROOT = Path(__file__).parents[3]
SP = "\N{NO-BREAK SPACE}"


def test_every_text_that_code_or_template_names_exists_and_every_text_is_used() -> None:
    sources = [
        *ROOT.glob("services/**/*.py"),
        *ROOT.glob("services/**/*.html"),
        *ROOT.glob("services/**/*.txt"),
        *ROOT.glob("services/**/*.mjml"),
        *ROOT.glob("deploy/**/*.py"),
    ]
    body = "\n".join(p.read_text("utf-8") for p in sources)
    named = set(re.findall(r'\b(?:t|text)\(\s*"([a-z_]+\.[A-Za-z_0-9]+)"\s*[,)]', body))
    named |= {
        f"{a}.{b}"
        for a, b in re.findall(
            r'"(login|report|nav|mail|map|overview|error|deliveries|people|voice|alerts|channels|rules_page)\.([a-z_A-Z0-9]+)"',
            body,
        )
    }
    named = {name for name in named if not name.endswith(("_", ".js"))}  # the fixed part of a built key, a file
    assert sorted(named - set(catalogue())) == []
    built = (
        "report.kind_",
        "report.severity_",
        "source.",
        "reason.",
        "role.",
        "phone.",
        "guard.",
        "deliveries.state_",
        "feedback.",
        "overview.certainty_",
        "help.",
        "corrected.",
        "file.",
        "review.why_",
        "review.precision_",
        "layers.corners_",
        "layers.kind_",
        "people.state_",
        "people.saved",  # told by the name in the address
        "people.known",
        "people.appointed",
        "login.provider_",
        "login.refused_",
        "providers.kind_",
        "photo.",
        "rules.class_",
        "rules.free_",
        "photos.passed",  # told by the name in the address
        "photos.covered",
        "photos.removed",
        "role_hint.",
        "organisation.",
        "scope.",
        "reads.kind_",
        "reads.room_",
        "reads.what_",
        "reads.purpose_",
        "reads.object_",
        "picture.finding_",
        "signals.method_",
        "signals.since_",
        "signals.say_",
        "picture.sheet_",
        "picture.states_",
        "picture.short_",
        "picture.say_",
        "picture.because_",
        "picture.why_",
        "picture.day_",
        "picture.brief_total_",
        "picture.reports_",
        "picture.context_",
        "picture.around_",
        "picture.q_",
        "card.crumb_",
        "card.not_",
        "card.state_",
        "density.step_",
        "meeting.step_",
        "voice.case_",
        "voice.picture_",
        "voice.silent_",
        "voice.span_",
        "voice.kind_",
        "channel.",
        "places.why_",
        "rules_page.done_",
        "rules_page.range_",
        "rules_page.how_",
        "rules_page.kind_",
        "rules_page.role_",
        "rules_page.field_",
        "picture.agenda_",
        "voice.every_",
        "deliveries.error_",
        "deliveries.outcome_",
        "deliveries.reason_",
        "voice.weekday_",
        "rules_page.meeting_weeks_",
        "dates.",
        "deliveries.device_",
        "deliveries.language_",
        "channels.rota_strangers_",
        "rules_page.before_",
        "rules_page.useful_",
    )
    unused = {k for k in catalogue() if k not in named and not k.startswith(built)}
    assert sorted(unused) == []


def test_a_missing_value_is_an_error_at_once() -> None:
    with pytest.raises(KeyError):
        text("mine.lead")
    with pytest.raises(KeyError):
        text("no.such")


def test_words_that_we_never_say() -> None:
    forbidden = re.compile(r"\b(tyvärr|oj|ogiltig\w*|användare\w*|brottslighet)\b|!", re.IGNORECASE)
    assert [k for k, v in catalogue().items() if forbidden.search(v)] == []


def test_swedish_numbers_and_times() -> None:
    assert writing.whole(1234567) == f"1{SP}234{SP}567"
    assert writing.signed(-3) == "−3"
    assert writing.signed(4) == "+4"
    assert writing.decimal(4.25) == "4,2"
    assert writing.full_day(date(2026, 11, 19)) == f"torsdag 19{SP}november{SP}2026"
    summer, winter = datetime(2026, 7, 1, 5, 10, tzinfo=UTC), datetime(2026, 11, 6, 6, 10, tzinfo=UTC)
    assert writing.clock(summer) == writing.clock(winter) == f"kl.{SP}07.10"
    assert writing.interval(winter, winter) == f"6{SP}nov kl.{SP}07.10"
    assert writing.interval(winter, winter.replace(hour=8)).endswith("–09.10")


def square(code: str, x: float, y: float, size: float) -> dict[str, object]:
    ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
    middle = [x + size / 2, y + size / 2]
    return {
        "id": code,
        "properties": {"name": f"Område {code}", "label": middle},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def test_colour_classes() -> None:
    assert [maps.step(n) for n in (0, 1, 2, 3, 4, 6, 7, 12, 13, 500)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_a_town_of_small_areas_gets_an_inset() -> None:
    land = [square("a", 14, 57, 1.0), square("b", 15, 57, 1.0)]
    town = [square(f"t{i}", 14.5 + 0.02 * i, 57.5, 0.02) for i in range(5)]
    drawings = maps.draw([*land, *town], {"t1": 13})
    assert [d.caption for d in drawings] == [text("overview.map_whole"), text("overview.map_inset")]
    assert drawings[0].frame is not None
    labelled = {s.code for s in drawings[0].shapes if s.labelled}
    assert labelled == {"a", "b"}
    assert {s.code: s.step for s in drawings[1].shapes}["t1"] == 5
    assert len(maps.draw(land, {})) == 1


def test_a_line_starts_at_zero_and_ends_with_its_number() -> None:
    weeks = [(date(2026, 11, 2), 3.0), (date(2026, 11, 9), 9.0), (date(2026, 11, 16), 4.0)]
    drawn = charts.line(weeks, width=640, height=252, last_is_partial=True)
    assert [t["label"] for t in drawn.ticks] == ["0", "5", "10", "15", "20"]
    assert drawn.last == "4"
    assert drawn.partial is not None
    assert len(drawn.points.split()) == 2
    assert [charts.nice_top(n) for n in (0, 4, 5, 9, 41, 201)] == [4, 4, 8, 20, 80, 400]

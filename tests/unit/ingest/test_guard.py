"""The privacy guard on texts that were written before its rules, and on texts by somebody who never saw them."""

import json
import re
from importlib import resources
from pathlib import Path
from typing import get_args

import pytest

from services.ingest import guard
from services.ingest.cli.guarding import measured

TEXTS = Path(__file__).parent / "texts"


def rows(name: str) -> list[tuple[int, str, set[str]]]:
    read = [json.loads(line) for line in (TEXTS / name).read_text("utf-8").splitlines()]
    return [(i, r["text"], set(r["expect"])) for i, r in enumerate(read, 1)]


def test_on_its_own_texts_it_finds_all_and_nothing_else() -> None:
    found = measured(rows("guard.jsonl"))
    assert [line for line in found["lines"] if line["found"] != line["expect"]] == []
    assert len(found["lines"]) >= 400
    assert set(found["codes"]) == set(get_args(guard.Code))


def test_what_readers_found_missing_or_too_much_stays_mended() -> None:
    found = measured(rows("guard-later.jsonl"))
    assert [line for line in found["lines"] if line["found"] != line["expect"]] == []


@pytest.mark.parametrize(
    "text", ["19850101-2382", "850101 2382", "850101–2382", "19 850101\N{NO-BREAK SPACE}2382", "8501012382",
     "1985-01-01-2382", "85-01-01-2382", "1985–01–01 - 2382"],
)  # fmt: skip
def test_every_spelling_of_a_personnummer_is_certain(text: str) -> None:
    assert next((f.rule, f.sure) for f in guard.findings(text)) == ("personnummer", True)
    wrong = re.sub("2$", "3", text)
    assert "personnummer" not in [f.rule for f in guard.findings(wrong)]


def test_a_soft_hyphen_hides_nothing() -> None:
    assert guard.codes("ring 070-123\N{SOFT HYPHEN} 45 67") == {"personal_identifier"}


def test_patterns_are_such_as_both_engines_read_alike() -> None:
    rules = json.loads((resources.files("services.pages") / "static" / "guard.json").read_text("utf-8"))["rules"]
    for rule in rules:
        for key in ("pattern", "not_match", "not_before", "not_after"):
            written = rule.get(key, "")
            assert not re.search(r"\[[^\]]*\\w", written), f"{rule['name']}: \\w in a class means two things"
            assert not re.search(r"\(\?[P<]?[a-zA-Z]", written.replace("(?<!", "").replace("(?<=", "")), rule["name"]
            assert not re.search(r"\\[bBAZzWSsx]", written.replace("\\S", "")), f"{rule['name']}: not in both engines"


def test_a_long_text_takes_no_long_time() -> None:
    """No pattern runs away: five times the longest text, of what could begin a match many times over."""
    dots = "a" * 333 + "." * 667
    for begin in (dots, "a-" * 400, "_" * 900, "0 1 2 3 4 5 ", "abc 12 ", "a.a.a.a@", "Anna Anna ", "(0) -- // "):
        list(guard.findings((begin * 1_000)[:5_000]))


@pytest.mark.parametrize(
    "text",
    ["Tel:070-123 45 67", "tfn:0701234567", "tel:+46701234567", "ring,070-123 45 67", "070.123.45.67", "0935-123 45"],
)
def test_phone_numbers_are_certain_right_behind_a_sign_and_in_the_north(text: str) -> None:
    assert ("phone", True) in [(f.rule, f.sure) for f in guard.findings(text)]


@pytest.mark.parametrize(
    "text", ["Ring 0200-12 34 56", "0939-123 45 67", "57,653301234", "kl 01.02.2026 hördes det", "2026-11-24 12:30"]
)
def test_numbers_of_no_person_are_left_alone(text: str) -> None:
    assert [f.rule for f in guard.findings(text)] == []

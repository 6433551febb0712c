"""The process that folds a rebuild's facts: real processes, well and ill behaved."""

import asyncio
import time
from uuid import UUID

import psutil
import pytest

from services.analysis.handlers import folding
from services.analysis.handlers.chunks import Chunks
from services.analysis.handlers.folding import Apart, folded
from services.analysis.views.catalogue import REPORTS
from tests.support.facts import located

LAST = UUID(int=7)


def events() -> list[str]:
    return [located(i).model_dump_json() for i in range(20)]


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


async def test_it_answers_as_we_would_and_what_is_printed_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "_PROGRAM", folding._PROGRAM.replace("from", "print('noise', flush=True); from", 1))
    before = children()
    apart = await Apart.begun()
    for _ in range(2):
        assert await apart.fold(REPORTS.views, LAST, events()) == folded(REPORTS.views, LAST, events())
    with pytest.raises(Apart.Gone):
        await apart.fold(REPORTS.views, LAST, ["{"])
    assert (await apart.fold(REPORTS.views, LAST, events())).facts == 20, "one that could not be read ends nothing"
    await apart.end()
    assert children() == before


@pytest.mark.parametrize("program", ["import time; time.sleep(60)", "1/0", "import os; os.write(1, b'x' * 9)"])
async def test_one_that_does_not_answer_is_given_up_and_put_away(
    program: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(folding, "_PROGRAM", program)
    monkeypatch.setattr(folding, "_PATIENCE", 1.0)
    before = children()
    with pytest.raises(Apart.Gone):
        await Apart.begun()
    assert children() == before


async def test_a_rebuild_that_is_over_does_not_wait_for_one_that_is_beginning() -> None:
    before = children()
    chunks = Chunks(REPORTS.views, 10)
    chunks._apart = asyncio.create_task(Apart.begun())
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await chunks.close()
    assert time.monotonic() - began < 5
    assert children() == before

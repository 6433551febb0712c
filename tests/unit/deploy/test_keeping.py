"""Programs are kept although the machine refuses to start one, and what a restore left half done is not started."""

from pathlib import Path

import pytest

from deploy.local.layout import Layout
from deploy.local.supervisor import Program, Supervisor
from deploy.local.up import RESTORING, HalfRestored, running
from tests.support.instance import eventually


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


async def test_a_program_that_could_not_be_started_is_started_when_it_can(tmp_path: Path) -> None:
    script, log, said = tmp_path / "program", tmp_path / "log", list[str]()

    async def ready() -> bool:
        return True

    async def until(word: str) -> None:
        async def there() -> bool:
            return any(word in line for line in said) or word in log.read_text()

        await eventually(there, word)

    _script(script, "rm $0")  # it ends, and cannot be started again
    supervisor = Supervisor(said.append)
    await supervisor.start(Program("program", [str(script)], ready, log))
    await until("could not be started")
    _script(script, "echo here; exec sleep 60")
    await until("here")
    await supervisor.stop()


async def test_a_restore_that_was_broken_off_is_not_started(tmp_path: Path) -> None:
    (tmp_path / RESTORING).touch()
    layout = Layout.open(tmp_path, 18999)
    with pytest.raises(HalfRestored, match="lagesbild restore"):
        async with running(layout):
            pass
    assert not (tmp_path / "instance.json").exists(), "nothing was begun"

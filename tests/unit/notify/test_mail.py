"""Mail against servers that are slow, full, throttling, lying or broken, over real sockets: what becomes of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from services.notify.gateways.channel import Delayed, Message, Receipt
from services.notify.gateways.mail import Mail
from services.runtime.errors import Permanent
from services.runtime.mail import SmtpLines, SmtpServer

HANG_UP, SILENCE = "hang up", "silence"


@dataclass
class Post:
    """A mail server that answers each verb as it is told, every time or the first times alone; what it took is kept."""

    port: int = 0
    says: dict[str, list[str]] = field(default_factory=dict)
    """Verb → answers in turn; then as a good server does. ``HANG_UP`` and ``SILENCE`` are no answers."""
    taken: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: set[asyncio.Task[None]] = field(default_factory=set)

    def answer(self, verb: str, good: str) -> str:
        """What comes back for a verb."""
        turn = self.says.get(verb, [])
        return turn.pop(0) if turn else good

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        mine = asyncio.current_task()
        assert mine is not None
        self.open.add(mine)
        try:
            await self._talk(reader, writer)
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = self.answer("CONNECT", "220 post.exempel")
        good = {"DATA": "354 go on", "QUIT": "221 bye"}
        while await self._say(writer, said):
            line = (await reader.readline()).decode().strip()
            if not line:
                break
            verb = line.split(" ")[0].split(":")[0].upper()
            said = self.answer(verb, good.get(verb, "250 ok"))
            if verb == "DATA" and said.startswith("354") and await self._say(writer, said):
                content = await reader.readuntil(b"\r\n.\r\n")
                said = self.answer("CONTENT", "250 taken")
                if said.startswith("250") or said == HANG_UP:  # it has taken what it did not answer for
                    self.taken.append(content)

    @staticmethod
    async def _say(writer: asyncio.StreamWriter, said: str) -> bool:
        if said == HANG_UP:
            return False
        if said == SILENCE:
            await asyncio.sleep(30)
        writer.write(said.encode() + b"\r\n")
        await writer.drain()
        return True


@asynccontextmanager
async def post(**says: list[str]) -> AsyncIterator[tuple[Post, Mail]]:
    made = Post(says=says)
    server = await asyncio.start_server(made.serve, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    lines = SmtpLines(SmtpServer("127.0.0.1", port, timeout=0.5))
    try:
        yield made, Mail(lines, "Lägesbild <a@exempel.invalid>")
    finally:
        server.close()
        for client, _ in lines._free:
            client.close()
        for one in made.open:
            one.cancel()
        await asyncio.gather(*made.open, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the next turn of the loop


def message(number: int = 1) -> Message:
    return Message(f"<{number}@lagesbild.local>", "Ämne", "Ämne", "Text", (), "", "https://h.exempel", "kort", "Text\n")


async def sent(mail: Mail, number: int = 1) -> Receipt:
    return await mail.send(message(number), "b@exempel.invalid")


@pytest.mark.parametrize(
    ("says", "reason", "receiver"),
    [
        ({"CONNECT": ["421 too many connections"]}, "server answered 421", False),
        ({"CONNECT": [HANG_UP]}, "SMTPConnectError", False),
        ({"MAIL": ["451 slow down"]}, "server answered 451", False),
        ({"MAIL": ["530 log in first"]}, "server answered 530", False),
        ({"RCPT": ["452 mailbox full"]}, "recipient deferred with 452", True),
        ({"RCPT": ["450 greylisted"]}, "recipient deferred with 450", True),
        ({"CONTENT": ["451 try later"]}, "deferred with 451", False),
    ],
)
async def test_a_server_that_says_later_is_tried_later_and_nothing_was_taken(
    says: dict[str, list[str]], reason: str, receiver: bool
) -> None:
    async with post(**says) as (server, mail):
        with pytest.raises(Delayed, match=reason) as delayed:
            await sent(mail)
        assert (delayed.value.receiver, delayed.value.unsure) == (receiver, False)
        assert server.taken == []
        assert await sent(mail) == Receipt("<1@lagesbild.local>"), "and the same mail goes when it may"


@pytest.mark.parametrize(
    ("says", "reason"),
    [({"RCPT": ["550 no such user"]}, "recipient refused"), ({"CONTENT": ["554 spam"]}, "content refused")],
)
async def test_what_is_refused_for_good_is_not_tried_again_and_the_line_is_kept(
    says: dict[str, list[str]], reason: str
) -> None:
    async with post(**says) as (server, mail):
        with pytest.raises(Permanent, match=reason):
            await sent(mail)
        await sent(mail, 2)
        assert server.connections == 1
        assert [b"<2@lagesbild.local>" in c for c in server.taken] == [True]


@pytest.mark.parametrize("lie", [HANG_UP, SILENCE])
async def test_a_server_that_takes_a_mail_and_does_not_say_so_leaves_it_unsure_and_the_repeat_is_the_same_mail(
    lie: str,
) -> None:
    async with post(CONTENT=[lie]) as (server, mail):
        with pytest.raises(Delayed) as delayed:
            await sent(mail)
        assert delayed.value.unsure
        assert not delayed.value.receiver
        await sent(mail)
        assert all(b"Message-ID: <1@lagesbild.local>" in c for c in server.taken), "who sorts by it shows one"
        assert server.connections == 2, "a broken line is not used again"


@pytest.mark.parametrize("verb", ["CONNECT", "MAIL", "RCPT", "DATA"])
async def test_a_server_that_falls_silent_holds_nobody_up_for_long(verb: str) -> None:
    async with post(**{verb: [SILENCE]}) as (server, mail):
        async with asyncio.timeout(10):
            with pytest.raises(Delayed):
                await sent(mail)
            await sent(mail, 2)
        assert len(server.taken) == 1


async def test_nobody_at_home_is_tried_later() -> None:
    async with post() as (_, mail):
        pass
    with pytest.raises(Delayed):
        await sent(mail)


async def test_a_line_that_the_server_closed_meanwhile_is_opened_anew() -> None:
    async with post(MAIL=["250 ok", "421 idle for too long"]) as (server, mail):
        await sent(mail)
        with pytest.raises(Delayed):
            await sent(mail, 2)
        await sent(mail, 2)
        assert server.connections == 2
        assert len(server.taken) == 2

"""A mailbox over a real socket: as much of IMAP (RFC 3501) as a reader of delivery reports needs, and its moods."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Post:
    """What lies in the mailbox. ``hang_up_after``: commands after which the server lets the line drop."""

    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    flags: list[set[str]] = field(default_factory=list)
    hang_up_after: int = 1_000_000

    @property
    def address(self) -> str:
        return f"imap://studs:hemligt%21@127.0.0.1:{self.port}/INBOX"

    def arrives(self, mail: bytes) -> None:
        self.mails.append(mail)
        self.flags.append(set())

    @property
    def left(self) -> list[set[str]]:
        return [f for f in self.flags if "\\Expunged" not in f]


class _Handler(socketserver.StreamRequestHandler):
    """One line of one reader."""

    @property
    def post(self) -> Post:
        server: Any = self.server
        found: Post = server.post
        return found

    def handle(self) -> None:
        self._say("* OK ready")
        for done, line in enumerate(self.rfile):
            if done >= self.post.hang_up_after:
                return
            tag, _, rest = line.decode().strip().partition(" ")
            self._answer(tag, rest)
            if rest.lower().startswith("logout"):
                return

    def _answer(self, tag: str, rest: str) -> None:
        known = {"capability": self._capability, "select": self._select, "uid search": self._search,
                 "uid fetch": self._fetch, "uid store": self._store, "expunge": self._expunge}  # fmt: skip
        command = rest.lower()
        if command.startswith("login") and '"hemligt!"' not in rest:
            return self._say(f"{tag} NO wrong password")
        for name, work in known.items():
            if command.startswith(name):
                work(rest)
        return self._say(f"{tag} OK done")

    def _capability(self, _rest: str) -> None:
        self._say("* CAPABILITY IMAP4rev1")

    def _select(self, _rest: str) -> None:
        self._say(f"* {len(self.post.mails)} EXISTS")

    def _search(self, _rest: str) -> None:
        self._say("* SEARCH " + " ".join(str(i + 1) for i, f in enumerate(self.post.flags) if not f))

    def _fetch(self, rest: str) -> None:
        number = int(rest.split()[2])
        raw = self.post.mails[number - 1]
        self.wfile.write(f"* {number} FETCH (UID {number} BODY[]<0> {{{len(raw)}}}\r\n".encode() + raw + b")\r\n")

    def _store(self, rest: str) -> None:
        found = re.search(r"\((\\\w+)\)", rest)
        assert found is not None
        self.post.flags[int(rest.split()[2]) - 1].add(found[1])

    def _expunge(self, _rest: str) -> None:
        for flags in self.post.flags:
            if "\\Deleted" in flags:
                flags.add("\\Expunged")

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def mailbox() -> Iterator[Post]:
    """The server on a free port of this machine."""
    post = Post()
    server: Any = _Server(("127.0.0.1", 0), _Handler)
    server.post = post
    post.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield post
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)

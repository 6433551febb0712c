"""Mail that came back: which it was, and whether it is lost; whatever else lands in such a mailbox says nothing."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.bounces import bounce_of, comes_back_to
from services.notify.gateways.mailbox import Mailbox
from tests.support.bounced import report

IDENT = UUID("0d6f2b34-8c5e-4b7a-9a55-0f3f6a1c2d3e")
TO = "studs+0682.0d6f2b348c5e4b7a9a550f3f6a1c2d3e@lagesbild.exempel"


def test_the_envelope_names_the_message_in_what_every_mail_server_takes() -> None:
    assert comes_back_to("studs@lagesbild.exempel", "0682", IDENT) == TO
    assert len(TO.partition("@")[0]) <= 64  # RFC 5321, 4.5.3.1.1
    assert comes_back_to("", "0682", IDENT) is None


@pytest.mark.parametrize(
    ("action", "status", "lost"),
    [("failed", "5.1.1", True), ("failed", "4.4.7", True), ("delayed", "4.4.1", False), ("delivered", "2.0.0", False)],
)
def test_only_what_has_failed_is_lost(action: str, status: str, lost: bool) -> None:
    found = bounce_of(report(TO, action=action, status=status))
    assert found is not None
    assert (found.kommun, found.delivery_id, found.lost, found.status) == ("0682", IDENT, lost, status)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        report("studs@lagesbild.exempel"),
        report("studs+0682.kort@lagesbild.exempel"),
        b"To: " + TO.encode() + b"\r\nSubject: Franvaro\r\nAuto-Submitted: auto-replied\r\n\r\nJag har semester.",
        b"To: " + TO.encode() + b'\r\nContent-Type: multipart/report; boundary="x"\r\n\r\n',
    ],
)
def test_what_says_nothing_about_ours_is_lost_to_nobody(raw: bytes) -> None:
    found = bounce_of(raw)
    assert found is None or not found.lost


@given(st.binary(max_size=400))
def test_no_bytes_make_a_loss(noise: bytes) -> None:
    assert bounce_of(b"Content-Type: multipart/report; boundary=b\r\n" + noise) is None


def test_a_mailbox_is_written_as_one_address() -> None:
    box = Mailbox.of("imaps://studs%40exempel.se:a%3Ab@mail.exempel.se/Studs%20ut")
    assert (box.host, box.port, box.user, box.password, box.folder, box.tls) == (
        "mail.exempel.se", 993, "studs@exempel.se", "a:b", "Studs ut", True,
    )  # fmt: skip
    for wrong in ("mail.exempel.se", "pop3://a:b@c/", "imaps://mail.exempel.se/INBOX"):
        with pytest.raises(ValueError, match="imaps://user"):
            Mailbox.of(wrong)

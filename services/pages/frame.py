"""What every page has around it: top bar by role, the mark of invented data, the icons."""

from functools import cache
from importlib import resources
from importlib.util import find_spec
from typing import Any

from markupsafe import Markup

from services.pages.texts import text
from services.runtime.tokens import Principal, subject_digest

_LINKS = (
    ("/rapportera", "nav.report", {"rapportor", "kontaktcenter", "administrator"}),
    ("/mina-rapporter", "nav.mine", {"rapportor", "kontaktcenter", "administrator"}),
    ("/oversikt", "nav.overview", {"analytiker", "est_medlem", "administrator"}),
    ("/lagesbilder", "nav.pictures", {"analytiker", "est_medlem", "administrator"}),
    ("/signaler", "nav.signals", {"analytiker", "est_medlem", "administrator"}),
    ("/omraden", "nav.areas", {"analytiker", "est_medlem", "administrator"}),
    ("/granska", "nav.review", {"analytiker", "administrator"}),
    ("/platser", "nav.places", {"analytiker", "administrator"}),
    ("/omvarld", "nav.context", {"analytiker", "est_medlem", "administrator"}),
    ("/utskick", "nav.deliveries", {"analytiker", "est_medlem", "administrator"}),
    ("/administration", "nav.administration", {"administrator"}),
    ("/laslogg", "nav.reads", {"registrator"}),
)


@cache
def icons() -> Markup:
    """The icons as symbols to stand inline in the page: one file, no request, no other host."""
    svg = (resources.files("services.pages") / "static" / "icons.svg").read_text("utf-8")
    body = svg[svg.index("<symbol") : svg.rindex("</symbol>") + len("</symbol>")]
    return Markup(f'<svg width="0" height="0" hidden aria-hidden="true">{body}</svg>')  # noqa: S704 - our own file


@cache
def _passkeys() -> bool:
    """Whether the extra is installed: then people have something of their own to look after."""
    return find_spec("webauthn") is not None


def links(principal: Principal) -> list[tuple[str, str]]:
    """(address, label) of the menu: what the roles may see, nothing else."""
    return [(path, text(key)) for path, key, roles in _LINKS if roles & principal.roles]


def start_of(principal: Principal) -> str:
    """The first page by role."""
    found = links(principal)
    return found[0][0] if found else "/mina-rapporter"


def owner_of(principal: Principal) -> str:
    """Whose a report on a phone is: a digest, so that a phone that several share keeps their queues apart."""
    return subject_digest(principal.kommun, principal.subject)


def frame(principal: Principal | None, path: str, *, phone: bool = False) -> dict[str, Any]:
    """The context that ``layout.html`` needs. ``phone``: glove density and a narrow page for reporters."""
    roles = [text(f"role.{role}") for role in sorted(principal.roles)] if principal is not None else []
    return {
        "icons": icons(),
        "menu": links(principal) if principal is not None else [],
        "path": path,
        "who": f"{principal.name}, {', '.join(roles)}" if principal is not None and principal.name else None,
        "kommun_name": principal.kommun_name if principal is not None else None,
        "invented": principal.invented if principal is not None else False,
        "account": "/konto/passnycklar" if _passkeys() else None,
        "phone": phone,
        "owner": owner_of(principal) if phone and principal is not None else None,
    }

"""Pure: who an identity provider says that somebody is, and which roles their groups give."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

PATH = "/logga-in/med"
ROLES = ("rapportor", "analytiker", "est_medlem", "kontaktcenter", "registrator", "administrator")
Refusal = Literal["no_group", "locked", "no_email", "unverified", "taken"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, as the provider says. ``session`` is its own id of the login, if it has one."""

    subject: str
    email: str
    verified: bool
    name: str
    groups: frozenset[str]
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """A municipality's identity provider. ``roles``: role → the groups that give it."""

    ident: UUID
    kommun: str
    kommun_name: str
    kind: Literal["oidc", "saml"]
    name: str
    settings: Mapping[str, Any]
    secret: str
    roles: Mapping[str, Sequence[str]]
    required: bool

    @property
    def groups(self) -> frozenset[str]:
        """Every group that gives a role."""
        return frozenset(group for wanted in self.roles.values() for group in wanted)

    def granted(self, groups: Iterable[str], held: Iterable[str] = ()) -> list[str]:
        """The roles of somebody in these groups who held these: what no group can give stays."""
        theirs, before = set(groups), set(held)
        given = {role for role, wanted in self.roles.items() if theirs & set(wanted)}
        managed = {role for role, wanted in self.roles.items() if wanted}
        return [role for role in ROLES if role in given or (role in before and role not in managed)]


@dataclass(frozen=True, slots=True)
class Entered:
    """A session, or why there is none."""

    session: str | None = None
    refused: Refusal | None = None


def back_path(provider: UUID) -> str:
    """Where a provider sends the browser back to: one address each, so that none can answer for another."""
    return f"{PATH}/{provider}/svar"

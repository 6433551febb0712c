"""A municipality's rules and what people follow there, as whoever enters, routes or explains needs them."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.plan import Plan
from services.notify.domain.routing import Followers, Subscription
from services.notify.store import plans, subscriptions

Rules = tuple[Plan, Followers]
_kept: dict[str, tuple[UUID, Rules]] = {}
"""Municipality → the rules that this process read last, with their version, which no other moment or database has."""


async def rules_of(connection: AsyncConnection, kommuner: Iterable[str]) -> dict[str, Rules]:
    """Municipality → its plan, and what people follow there, as they are in this transaction.

    Read again only when somebody has changed them: five thousand subscriptions with every batch of reports would keep
    a grave one waiting.
    """
    wanted = sorted(set(kommuner))
    versions = await plans.versions(connection, wanted)  # before what they are of: that may be newer, never older
    found = {k: _kept[k][1] for k in wanted if k in _kept and _kept[k][0] == versions.get(k)}
    missing = [k for k in wanted if k not in found]
    followed: dict[str, list[Subscription]] = {k: [] for k in missing}
    for one in await subscriptions.active(connection, missing) if missing else ():
        followed[one.kommun].append(one)
    for kommun in missing:
        rules = (await plans.plan(connection, kommun))[1], Followers(followed[kommun])
        found[kommun] = rules
        if kommun in versions:
            _kept[kommun] = versions[kommun], rules
    return found

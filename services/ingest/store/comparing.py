"""SQL of the comparison with analysis: what the door's newest revisions are, in 256 parts by the reports' ids."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_NEWEST = """
    from reports r join revisions v using (kommun, report_id, revision)
    where r.kommun = :kommun and v.minted_at <= :until"""
_PARTS = text(f"""
    select get_byte(uuid_send(report_id), 0) as part, count(*) as reports,
        bit_xor(hashtextextended(concat_ws('/', report_id, revision), 0)) as versions
    {_NEWEST} group by 1""")
_PART = text(f"""
    select report_id, revision {_NEWEST} and get_byte(uuid_send(report_id), 0) = :part""")


async def parts(connection: AsyncConnection, kommun: str, until: datetime) -> dict[int, tuple[int, int]]:
    """First byte of the id → how many reports, and a hash over their ids and newest revisions, minted by ``until``."""
    rows = await connection.execute(_PARTS, {"kommun": kommun, "until": until})
    return {r.part: (r.reports, r.versions) for r in rows}


async def part(connection: AsyncConnection, kommun: str, until: datetime, which: int) -> Mapping[UUID, int]:
    """Report → newest revision, of one part."""
    rows = await connection.execute(_PART, {"kommun": kommun, "until": until, "part": which})
    return {r.report_id: r.revision for r in rows}

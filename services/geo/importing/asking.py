"""A layer of somebody's service (WFS or OGC API Features) as a table, by GDAL's own drivers: ``import layer ADDRESS``.

Every complaint is a ``BadFile`` with one sentence in Swedish. What an address says after its path, a key perhaps, goes
to the service and is neither shown nor kept.
"""

import re
from urllib.parse import urlsplit

from services.geo.importing.reading import BadFile, Table, read_source

_PREFIX = re.compile(r"(?i)(wfs|oapif):(?=https?://)")
_ADDRESS = re.compile(r"(?i)https?://")
_PATIENCE = {
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "120",
    "GDAL_HTTP_MAX_RETRY": "2",
    "GDAL_HTTP_RETRY_DELAY": "1",
}
"""Seconds and tries of each request; a layer of many pages takes as many requests."""


def is_service(origin: str) -> bool:
    """Whether this is an address and no file: of http or https, with WFS: or OAPIF: before it or not."""
    return bool(_ADDRESS.match(origin) or _PREFIX.match(origin))


def shown(origin: str) -> str:
    """The address as it may be shown and kept: without user, password, query and fragment."""
    parts = urlsplit(_PREFIX.sub("", origin))
    host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    return f"{parts.scheme}://{host}{parts.path}"


def read_service(origin: str, layer: str | None = None) -> Table:
    """All features of one layer; BadFile when nobody answers, the answer is no such service, or it has no features.

    Without a prefix an address that speaks of WFS is one, and any other is OGC API Features: its landing page, or one
    collection.
    """
    import pyogrio  # late, as where files are read

    name = shown(origin)
    pyogrio.set_gdal_config_options(_PATIENCE)
    try:
        table = read_source(_source(origin), name, layer)
    except BadFile as wrong:
        if wrong.what != "format":
            raise
        raise BadFile("service", name=name, why=_reason(str(wrong.facts["why"]))) from None
    if not len(table):
        raise BadFile("no_features", name=name)
    return table


def _reason(said: str) -> str:
    """What went wrong in GDAL's words, without the page of HTML that some answer with and without keys."""
    plain = re.sub(r"\?\S*", "", " ".join(said.split("<", 1)[0].split())).strip(" ,;:")
    return f"{plain[:120]}."


def _source(origin: str) -> str:
    """GDAL's name for it."""
    given = _PREFIX.match(origin)
    address = _PREFIX.sub("", origin)
    parts = urlsplit(address)
    speaks_wfs = "wfs" in parts.path.lower() or "service=wfs" in parts.query.lower()
    driver = given[1].upper() if given else "WFS" if speaks_wfs else "OAPIF"
    return f"{driver}:{address}"

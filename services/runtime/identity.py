"""The identity check: record key, envelope header and body must name the same municipality."""

from schemas.envelope import Envelope
from schemas.values import Contract
from services.runtime.errors import Permanent


def check_owner(key: bytes | None, envelope: Envelope, body: Contract) -> str:
    """The municipality that owns the record.

    Raises Permanent ``owner_mismatch`` when the three do not agree; such a record belongs to nobody.
    """
    owner: str | None = getattr(body, "kommun", None)
    inner = next((m.kommun for name in ("report", "context") if (m := getattr(body, name, None)) is not None), owner)
    if owner is None or key is None or not (key == owner.encode() and envelope.partitionkey == owner == inner):
        raise Permanent("owner_mismatch", "record key, ce_partitionkey and the body's kommun do not agree")
    return owner

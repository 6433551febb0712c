"""Pure: a photo as it may be kept – decoded within bounds, turned right, small, and with nothing in it but the picture.

The phone has made it smaller already; that saves its net. This is what is relied on: whatever was sent, the file that
is kept was written here, so position, time, camera, thumbnails and comments are gone.
"""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

from PIL import Image, ImageCms, ImageDraw, ImageOps, UnidentifiedImageError

MOST_BYTES = 15 * 2**20
MOST_PIXELS = 60_000_000
"""A phone's largest usual photo has 50 million. Of a JPEG, that is, which is decoded at a fraction of its size."""
MOST_PIXELS_WHOLE = 16_000_000
"""Of what can only be decoded whole: some 200 MB for a moment."""
LONGEST_SIDE = 1600
LEAST_SIDE = 16
QUALITY = 82
MOST_SCANS = 64
"""A progressive JPEG has ten or so. Each goes over the whole picture again: thousands would take minutes."""
FORMATS = ("JPEG", "PNG", "WEBP")
"""What every browser writes. HEIC is turned into JPEG by the phones that make it; its decoders are under the GPL."""
MOST_BOXES = 200
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
"""What begins a segment; in a scan's data 0xFF is followed by zero or by a restart marker."""
_SCAN, _END = b"\xff\xda", b"\xff\xd9"

Fault = Literal["empty", "too_big", "no_picture", "too_many_pixels", "too_small", "not_taken"]


class NoPicture(Exception):
    """What was sent is no photo that can be kept; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG without metadata; sides in pixels."""

    jpeg: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Box:
    """What is to be covered, as shares of the picture's width and height (0 to 1)."""

    left: float
    top: float
    right: float
    bottom: float


def cleaned(raw: bytes) -> Picture:
    """The photo as it is kept: at most ``LONGEST_SIDE``, in sRGB, upright, without metadata. NoPicture."""
    if not raw:
        raise NoPicture("empty")
    if len(raw) > MOST_BYTES:
        raise NoPicture("too_big")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # judged below, by a bound of our own
            with Image.open(BytesIO(raw), formats=FORMATS) as opened:
                return _written(_upright(opened, raw))
    except NoPicture:
        raise
    except Image.DecompressionBombError:
        raise NoPicture("too_many_pixels") from None
    except UnidentifiedImageError:
        raise NoPicture("no_picture") from None
    except Exception:  # noqa: BLE001 - a broken file ends in errors of every kind, none of which is ours
        raise NoPicture("no_picture") from None


def covered(jpeg: bytes, boxes: Sequence[Box]) -> Picture:
    """The same photo with these boxes filled black, written anew: nothing of what was under them is left."""
    with Image.open(BytesIO(jpeg), formats=("JPEG",)) as opened:
        image = opened.convert("RGB")
    draw = ImageDraw.Draw(image)
    for box in boxes[:MOST_BOXES]:
        left, right = sorted((box.left * image.width, box.right * image.width))
        top, bottom = sorted((box.top * image.height, box.bottom * image.height))
        # A pixel more on each side: JPEG spreads what stood at the edge over its blocks.
        draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=(0, 0, 0))
    return _written(image)


def _scans(jpeg: bytes) -> int:
    """How many scans a JPEG has before its end, counted no further than needed (ITU-T T.81, annex B)."""
    at, found = 2, 0
    while found <= MOST_SCANS and (marker := _MARKER.search(jpeg, at)) and marker.group() != _END:
        found += marker.group() == _SCAN
        at = marker.end() + int.from_bytes(jpeg[marker.end() : marker.end() + 2], "big")
    return found


def _upright(opened: Image.Image, raw: bytes) -> Image.Image:
    width, height = opened.size
    if opened.format == "JPEG" and _scans(raw) > MOST_SCANS:
        raise NoPicture("no_picture")
    if width * height > (MOST_PIXELS if opened.format == "JPEG" else MOST_PIXELS_WHOLE):
        raise NoPicture("too_many_pixels")
    if min(width, height) < LEAST_SIDE:
        raise NoPicture("too_small")
    opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is decoded at a quarter of its size where that does
    opened.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return _in_srgb(ImageOps.exif_transpose(opened))


def _in_srgb(image: Image.Image) -> Image.Image:
    """In sRGB, which is what is meant without a profile; a profile may tell the device and is left out."""
    profile = image.info.get("icc_profile")
    if image.mode in {"RGBA", "LA", "P", "PA"}:
        clear = image.convert("RGBA")
        image = Image.new("RGB", clear.size, (255, 255, 255))
        image.paste(clear, mask=clear.getchannel("A"))
    plain = image.convert("RGB")
    if not profile or image.mode != "RGB":
        return plain
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        moved = ImageCms.profileToProfile(plain, source, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return plain  # a profile that cannot be read is left out with the rest
    return moved or plain


def _written(image: Image.Image) -> Picture:
    bare = Image.new("RGB", image.size)
    bare.paste(image)  # pixels only: an image carries what it was read with along, and would write it again
    out = BytesIO()
    bare.save(out, "JPEG", quality=QUALITY, optimize=True)
    return Picture(out.getvalue(), bare.width, bare.height)

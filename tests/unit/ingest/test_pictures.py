"""Photos: whatever was sent, what is kept is a small upright JPEG with nothing in it but the picture."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from services.ingest.pictures import LONGEST_SIDE, MOST_BYTES, Box, NoPicture, cleaned, covered

GPS, ORIENTATION, MAKER = 0x8825, 0x0112, 0x927C


def photo(width: int = 3000, height: int = 2000, **exif: object) -> bytes:
    """A photo with a red left and a blue right half, and what phones write beside the picture."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 30, 200), (width // 2, 0, width, height))
    about = Image.Exif()
    about[0x010F] = "Hemlig Telefon AB"
    about[0x9003] = "2026:11:28 13:00:00"
    about[ORIENTATION] = exif.get("orientation", 1)
    about[GPS] = {1: "N", 2: (57.0, 39.0, 12.0), 3: "E", 4: (14.0, 41.0, 48.0)}
    out = BytesIO()
    image.save(out, "JPEG", exif=about.tobytes(), quality=90, comment=b"foto av Kim Exempel")
    return out.getvalue()


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(BytesIO(jpeg))


def test_position_time_camera_and_comment_are_gone() -> None:
    raw = photo()
    assert b"Hemlig" in raw
    assert opened(raw).getexif().get_ifd(GPS)
    kept = cleaned(raw)
    image = opened(kept.jpeg)
    assert not image.getexif()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    for trace in (b"Exif", b"Hemlig", b"Kim", b"2026:11", b"http://ns.adobe.com", b"ICC_PROFILE", b"Photoshop"):
        assert trace not in kept.jpeg
    assert max(kept.width, kept.height) == LONGEST_SIDE
    assert len(kept.jpeg) < len(raw)


@pytest.mark.parametrize(
    ("orientation", "red", "upright"), [(1, "left", False), (3, "right", False), (6, "top", True), (8, "bottom", True)]
)
def test_it_is_turned_as_it_was_taken(orientation: int, red: str, upright: bool) -> None:
    kept = cleaned(photo(orientation=orientation))
    image = opened(kept.jpeg).convert("RGB")
    assert (kept.height > kept.width) == upright
    w, h = image.size
    at = {
        "left": (w // 8, h // 2),
        "right": (7 * w // 8, h // 2),
        "top": (w // 2, h // 8),
        "bottom": (w // 2, 7 * h // 8),
    }
    pixel = image.getpixel(at[red])
    assert isinstance(pixel, tuple)
    assert pixel[0] > 150 > pixel[2]


def png(width: int, height: int, body: bytes = b"") -> bytes:
    """A PNG that says how large it is and has next to nothing in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", "empty"),
        (b"x" * (MOST_BYTES + 1), "too_big"),
        (b"GIF89a" + b"\0" * 100, "no_picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no_picture"),
        (b"%PDF-1.7", "no_picture"),
        (b"\x00\x00\x00\x18ftypheic" + b"\0" * 64, "no_picture"),
        (png(30_000, 30_000, zlib.compress(b"\0" * 100_000)), "too_many_pixels"),
        (png(4_100, 4_100, zlib.compress(b"\0" * 100_000)), "too_many_pixels"),
        (png(2**31 - 1, 2**31 - 1), "too_many_pixels"),
        (png(400, 400, b"not compressed"), "no_picture"),
        (png(4, 4, zlib.compress(b"\0" * 52)), "too_small"),
        (photo()[:4000], "no_picture"),
    ],
)
def test_what_is_no_photo_is_refused_with_the_reason(raw: bytes, fault: str) -> None:
    with pytest.raises(NoPicture) as refused:
        cleaned(raw)
    assert refused.value.fault == fault


def test_a_compressed_text_beside_the_picture_is_no_way_in() -> None:
    out, about = BytesIO(), PngImagePlugin.PngInfo()
    about.add_itxt("Kommentar", "hemligt " * 100_000, zip=True)
    Image.new("RGB", (100, 100), (1, 2, 3)).save(out, "PNG", pnginfo=about)
    assert b"hemligt" not in cleaned(out.getvalue()).jpeg


@pytest.mark.parametrize("mode", ["RGBA", "LA", "L", "P", "CMYK", "1", "I;16"])
def test_every_kind_of_colour_becomes_a_plain_one(mode: str) -> None:
    out = BytesIO()
    image = Image.new("RGBA", (200, 100), (10, 200, 10, 0)) if mode == "RGBA" else Image.new(mode, (200, 100))
    image.save(out, "JPEG" if mode == "CMYK" else "PNG")
    kept = cleaned(out.getvalue())
    assert opened(kept.jpeg).mode == "RGB"
    if mode == "RGBA":
        pixel = opened(kept.jpeg).getpixel((50, 50))
        assert isinstance(pixel, tuple)
        assert min(pixel) > 250, "what is clear is white"


def test_a_colour_profile_is_applied_and_left_out() -> None:
    out, profile = BytesIO(), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    Image.new("RGB", (200, 100), (10, 200, 10)).save(out, "JPEG", icc_profile=profile.tobytes())
    assert b"ICC_PROFILE" in out.getvalue()
    assert b"ICC_PROFILE" not in cleaned(out.getvalue()).jpeg


def test_what_is_covered_is_black_and_the_rest_is_as_it_was() -> None:
    kept = cleaned(photo())
    done = covered(kept.jpeg, [Box(0.6, 0.6, 0.1, 0.1), Box(0.9, 0.9, 5, 5)])
    image = opened(done.jpeg).convert("RGB")
    w, h = image.size
    for x, y, dark in ((0.3, 0.3, True), (0.15, 0.5, True), (0.95, 0.95, True), (0.05, 0.05, False), (0.8, 0.3, False)):
        pixel = image.getpixel((round(x * w), round(y * h)))
        assert isinstance(pixel, tuple)
        assert (max(pixel) < 30) == dark, (x, y, pixel)


def test_a_jpeg_of_thousands_of_scans_is_not_even_tried() -> None:
    """Each scan goes over the whole picture: a file of a few hundred kB would keep a core busy for minutes."""
    out = BytesIO()
    Image.linear_gradient("L").resize((600, 400)).save(out, "JPEG", progressive=True)
    usual = out.getvalue()
    assert cleaned(usual).width == 600
    last = usual[usual.rindex(b"\xff\xda") : -2]
    with pytest.raises(NoPicture, match="no_picture"):
        cleaned(usual[:-2] + last * 2000 + usual[-2:])
    film = bytes(range(256)) * 40 + b"\xff\xda" * 500  # what some phones write behind the picture is none of its scans
    assert cleaned(usual + film).width == 600

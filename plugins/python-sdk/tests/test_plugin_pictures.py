"""Pictures: every format and layout that comes, and whatever an editor gives."""

import io
from pathlib import Path

import pytest

from editscale.plugins import Failure, Picture
from editscale.plugins.pictures import encoded, media_of

images = pytest.importorskip("PIL.Image")


def saved(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def plain(mode="RGB", colour=(100, 150, 200), size=(4, 3)):
    return images.new(mode, size, colour)


LAYOUTS = [
    ("PNG", plain(), "image/png"),
    ("PNG", plain("RGBA", (100, 150, 200, 128)), "image/png"),
    ("PNG", plain("L", 150), "image/png"),
    ("PNG", plain("LA", (150, 128)), "image/png"),
    ("PNG", plain().convert("P"), "image/png"),
    ("PNG", plain("1", 1), "image/png"),
    ("PNG", plain("I;16", 150 * 256), "image/png"),
    ("JPEG", plain(), "image/jpeg"),
    ("JPEG", plain("CMYK", (0, 0, 0, 100)), "image/jpeg"),
    ("WEBP", plain(), "image/webp"),
    ("TIFF", plain(), "image/tiff"),
    ("TIFF", plain("I;16", 150 * 256), "image/tiff"),
    ("BMP", plain(), "image/bmp"),
    ("GIF", plain().convert("P"), "image/gif"),
]


@pytest.mark.parametrize(("form", "image", "media"), LAYOUTS, ids=lambda value: getattr(value, "mode", str(value)))
def test_every_layout_is_opened(form, image, media):
    picture = Picture(saved(image, form))
    assert (picture.media, picture.size) == (media, (4, 3))
    for mode in ("RGB", "L", "RGBA"):
        opened = picture.open(mode)
        assert (opened.mode, opened.size) == (mode, (4, 3))
    assert picture.open(None).size == (4, 3)


def test_sixteen_bits_keep_their_brightness():
    assert Picture(saved(plain("I;16", 150 * 256), "PNG")).open("L").getpixel((0, 0)) == 150


def test_pictures_are_upright():
    exif = images.Exif()
    exif[0x0112] = 6
    picture = Picture(saved(plain(), "JPEG", exif=exif))
    assert (picture.size, picture.open().size) == ((3, 4), (3, 4))


def test_what_cannot_be_opened_is_invalid():
    for data in (saved(plain(), "PNG")[:40], b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"):
        with pytest.raises(Failure, match="cannot be decoded") as caught:
            Picture(data).open()
        assert caught.value.kind == "invalid"
    for data in (b"", b"<svg>"):
        with pytest.raises(Failure, match="expected PNG, JPEG, WebP, TIFF, BMP or GIF"):
            Picture(data)


def test_what_an_editor_may_give(tmp_path):
    data = saved(plain(), "WEBP")
    path = tmp_path / "a.webp"
    path.write_bytes(data)
    for given in (data, bytearray(data), memoryview(data), Picture(data), path, Picture.read(path)):
        assert encoded(given) == data
    for mode, colour in [("RGB", (1, 2, 3)), ("RGBA", (1, 2, 3, 4)), ("L", 7), ("CMYK", (1, 2, 3, 4)), ("F", 0.5), ("HSV", (1, 2, 3))]:
        made = encoded(plain(mode, colour))
        assert media_of(made) == "image/png"
    assert images.open(io.BytesIO(encoded(plain()))).getpixel((0, 0)) == (100, 150, 200)
    for wrong in (None, "a.png", 5, [data]):
        with pytest.raises(Failure, match="expected a picture as encoded bytes"):
            encoded(wrong)
    with pytest.raises(FileNotFoundError):
        encoded(Path(tmp_path / "none.png"))

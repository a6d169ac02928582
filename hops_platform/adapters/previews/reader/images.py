"""Pictures: decoded, made smaller and written anew, so that nothing of the file itself reaches a browser."""

from __future__ import annotations

import base64
import io
import warnings
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from hops_platform.adapters.previews.reader.shown import Budget, Shown, UnreadableError, nothing

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_MOST_PIXELS = 40_000_000
_LONGEST_SIDE = 1024
_SHORTEST_SIDE = 16


def read_image(file: BinaryIO, budget: Budget) -> Shown:
    """A picture, of an animation the first one.

    Raises:
        UnreadableError: It is none.
    """
    warnings.simplefilter("error")
    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    try:
        image = Image.open(file, formats=_FORMATS)
        width, height = image.size
        if width * height > _MOST_PIXELS:
            return nothing(f"Pictures of more than {_MOST_PIXELS // 10**6} million points have no preview.")
        image.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
        image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        plain = image.convert("RGBA" if "transparency" in image.info or image.mode in {"RGBA", "LA", "PA"} else "RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return nothing(f"Pictures of more than {_MOST_PIXELS // 10**6} million points have no preview.")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Warning) as error:
        raise UnreadableError(
            "This is no picture that can be shown (PNG, JPEG, GIF or WebP); it may be broken."
        ) from error
    data = _written(plain, budget.left)
    if data is None:
        return nothing("This picture can't be shown in so little room.")
    media_type = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
    shown = {"data": base64.b64encode(data).decode(), "media_type": media_type, "width": width, "height": height}
    return {"kind": "image", "image": shown, "cut": False}


def _written(image: Image.Image, most: int) -> bytes | None:
    """The picture in at most so many bytes: first as it is, then as JPEG, then smaller."""
    while min(image.size) >= 1 and max(image.size) >= _SHORTEST_SIDE:
        for name in ("PNG", "JPEG"):
            buffer = io.BytesIO()
            _flat(image, name).save(buffer, name)
            if buffer.tell() <= most:
                return buffer.getvalue()
        image = image.resize((max(1, image.width // 2), max(1, image.height // 2)))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue() if buffer.tell() <= most else None


def _flat(image: Image.Image, name: str) -> Image.Image:
    """JPEG knows no transparency."""
    if name == "PNG" or image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground

"""Frames as a small GIF: one palette, and of each frame only what changed.

Pixels that stay as they were are transparent, so that a line that moves over a still picture
costs little more than the line. The compressed blocks are made by Pillow.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.uint8]
FEW, MANY = 32, 256
"""Entries of the palette: of a picture of lines, and of one with shades. The last stands for
"as before"."""

THRESHOLD = 48
"""A pixel is drawn again when one of its channels (0 to 255) is off by more than this."""


def gif_of(frames: Sequence[Pixels], durations: Sequence[int]) -> bytes:
    """Frames (height, width, 3) as a GIF that repeats; each is shown for some milliseconds.

    >>> frames = [np.full((4, 6, 3), shade, np.uint8) for shade in (0, 255)]
    >>> from PIL import Image
    >>> Image.open(io.BytesIO(gif_of(frames, [40, 40]))).n_frames
    2
    """
    images, palette = indexed(frames)
    height, width = images[0].shape
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    entries = len(palette) // 3
    flags = 0xF0 | (entries.bit_length() - 2)
    parts = [b"GIF89a" + size + bytes([flags, 0, 0]) + palette]
    parts.append(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
    differs, last = _differs(palette), images[-1]
    shown = images[0]
    changed = np.ones(shown.shape, dtype=np.bool_)
    for k, (image, duration) in enumerate(zip(images, durations, strict=True)):
        if k:
            changed = image != shown if image is last else differs[shown, image]
        parts.append(_block(image, changed, duration, entries - 1))
        shown = np.where(changed, image, shown)
    return b"".join(parts) + b"\x3b"


def _differs(palette: bytes) -> NDArray[np.bool_]:
    """Which two palette entries are told apart by the eye at the edge of a line."""
    colours = np.frombuffer(palette, np.uint8).reshape(-1, 3).astype(np.int16)
    return np.asarray(np.abs(colours[:, None] - colours[None]).max(axis=-1) > THRESHOLD)


def indexed(frames: Sequence[Pixels]) -> tuple[list[Pixels], bytes]:
    """Frames as palette places (height, width), and the palette in bytes.

    Every colour goes through a table of all colours with 5 bits a channel.
    """
    from PIL import Image

    chosen = np.ascontiguousarray(
        np.concatenate([frames[0], frames[len(frames) // 2], frames[-1]])[:, ::2]
    )
    shaded = _distinct(chosen) > FEW // 3
    entries = MANY if shaded else FEW
    method = Image.Quantize.MEDIANCUT if shaded else Image.Quantize.MAXCOVERAGE
    palette = Image.fromarray(chosen).quantize(entries - 1, method)
    colours = bytes((palette.getpalette() or [])[: 3 * (entries - 1)]).ljust(3 * entries, b"\x00")
    table = _nearest(np.frombuffer(colours, np.uint8).reshape(-1, 3)[:-1])
    return [table[_deep(frame)] for frame in frames], colours


def _deep(frame: Pixels) -> NDArray[np.uint16]:
    """The colour of each pixel with 5 bits a channel, as one number."""
    deep = frame.astype(np.uint16) >> 3
    return np.asarray((deep[..., 0] << 10) | (deep[..., 1] << 5) | deep[..., 2])


def _distinct(frame: Pixels) -> int:
    """How many colours fill more than a 500th of the picture."""
    found = np.bincount(_deep(frame).reshape(-1), minlength=32768)
    return int(np.count_nonzero(found > found.sum() / 500))


def picture(image: Pixels, palette: bytes) -> Image:
    """Palette places as an image."""
    from PIL import Image

    made = Image.fromarray(np.ascontiguousarray(image))
    made.putpalette(palette)
    return made


def _nearest(colours: Pixels) -> Pixels:
    """The palette place nearest to each of the 32768 colours."""
    steps = np.arange(32, dtype=np.float32) * (255 / 31)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    known = colours.astype(np.float32)
    # |c - p|^2 without |c|^2, which is the same for all p
    distance = (known**2).sum(axis=1) - 2.0 * cube @ known.T
    return np.asarray(distance.argmin(axis=1), dtype=np.uint8)


def _block(image: Pixels, changed: NDArray[np.bool_], duration: int, clear: int) -> bytes:
    """One frame: how long, where, and the compressed pixels that changed."""
    top, left, part = 0, 0, np.full((1, 1), clear, np.uint8)
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    if rows.size:
        top, left = int(rows[0]), int(columns[0])
        window = (slice(top, rows[-1] + 1), slice(left, columns[-1] + 1))
        part = np.where(changed[window], image[window], np.uint8(clear))
    hundredths = max(2, round(duration / 10))
    control = b"\x21\xf9\x04\x05" + hundredths.to_bytes(2, "little") + bytes([clear]) + b"\x00"
    numbers = (left, top, part.shape[1], part.shape[0])
    place = b"\x2c" + b"".join(n.to_bytes(2, "little") for n in numbers) + b"\x00"
    return control + place + _compressed(part)


def _compressed(part: Pixels) -> bytes:
    """The LZW blocks of palette places: those of a GIF that Pillow writes of them alone."""
    buffer = io.BytesIO()
    ramp = bytes(np.repeat(np.arange(256, dtype=np.uint8), 3))
    picture(np.ascontiguousarray(part), ramp).save(buffer, "GIF", optimize=False, interlace=False)
    content = buffer.getvalue()
    at = 13 + (3 << ((content[10] & 7) + 1) if content[10] & 0x80 else 0)
    while content[at] == 0x21:  # step over extensions
        at += 2
        while content[at]:
            at += content[at] + 1
        at += 1
    at += 10 + (3 << ((content[at + 9] & 7) + 1) if content[at + 9] & 0x80 else 0)
    return content[at:-1]

"""Moving pictures: a still background is drawn once, and on it what moves, frame by frame.

A :class:`Movie` is written as GIF (nothing else is needed), as MP4 (with ffmpeg), or as an
HTML page with a player. In a notebook it shows itself.
"""

from __future__ import annotations

import base64
import io
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from symgd.errors import DataError, OptionError
from symgd.show.gif import Pixels, gif_of, indexed, picture

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

HOLD = 1.5


@dataclass(frozen=True, eq=False)
class Movie:
    """A figure that moves.

    ``show(k)`` puts the ``moving`` artists where they are in frame k = 0, ..., ``count`` - 1;
    everything else in ``figure`` stands still. All frames together take ``seconds``, and the
    last one is held a little longer.
    """

    figure: Figure
    moving: tuple[Artist, ...]
    show: Callable[[int], None]
    count: int
    seconds: float = 4.0

    def __len__(self) -> int:
        return self.count

    def frames(self) -> Iterator[Pixels]:
        """The frames as arrays (height, width, 3) of bytes."""
        canvas: Any = self.figure.canvas
        for artist in self.moving:
            artist.set_animated(True)
        self.figure.draw_without_rendering()  # the layout, with everything in its place
        self.figure.set_layout_engine("none")
        canvas.draw()
        still = canvas.copy_from_bbox(self.figure.bbox)
        for k in range(self.count):
            canvas.restore_region(still)
            self.show(k)
            for artist in self.moving:
                self.figure.draw_artist(artist)
            yield np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def durations(self) -> list[int]:
        """Milliseconds of each frame."""
        each = max(20, round(1000.0 * self.seconds / self.count))
        return [each] * (self.count - 1) + [each + round(1000 * HOLD)]

    def gif(self) -> bytes:
        """The movie as a GIF that repeats."""
        return gif_of(list(self.frames()), self.durations())

    def html(self) -> str:
        """A page that needs nothing else, with a button and a slider."""
        return player(list(self.frames()), self.durations())

    def still(self) -> Figure:
        """The last frame as a figure."""
        self.show(self.count - 1)
        for artist in self.moving:
            artist.set_animated(False)
        return self.figure

    def _repr_html_(self) -> str:
        encoded = base64.b64encode(self.gif()).decode()
        return f'<img alt="animation" src="data:image/gif;base64,{encoded}">'

    def write(self, path: Path) -> None:
        """Write ``.gif``, ``.mp4`` or ``.html``; :class:`OptionError` for another suffix."""
        suffix = path.suffix.lower()
        if suffix == ".gif":
            path.write_bytes(self.gif())
        elif suffix in (".html", ".htm"):
            path.write_text(self.html(), encoding="utf-8")
        elif suffix == ".mp4":
            write_mp4(path, self.frames(), self.count / self.seconds)
        else:
            raise OptionError(f"a movie is written as .gif, .mp4 or .html, not as {suffix!r}")


def write_mp4(path: Path, frames: Iterator[Pixels], rate: float) -> None:
    """Frames as H.264 through ffmpeg; :class:`OptionError` when it is not installed."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise OptionError(
            "MP4 needs the program ffmpeg, which is not installed here; .gif and .html need nothing"
        )
    first = next(frames)
    height, width = (n - n % 2 for n in first.shape[:2])
    command = [
        program, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
        "-s", f"{width}x{height}", "-r", f"{rate:.3f}", "-i", "-", "-an", "-c:v", "libx264",
        "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(path),
    ]  # fmt: skip
    content = b"".join(frame[:height, :width].tobytes() for frame in (first, *frames))
    done = subprocess.run(command, input=content, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise DataError(f"ffmpeg could not write {path}: {said[-1] if said else 'no reason given'}")


def player(frames: Sequence[Pixels], durations: Sequence[int]) -> str:
    """An HTML page with the frames inside, a button and a slider."""
    pictures = []
    images, palette = indexed(frames)
    for image in images:
        buffer = io.BytesIO()
        picture(image, palette).save(buffer, "PNG", optimize=False)
        pictures.append(f'"{base64.b64encode(buffer.getvalue()).decode()}"')
    height, width = frames[0].shape[:2]
    return _PAGE.format(
        width=width, height=height, last=len(frames) - 1, delay=durations[0],
        pictures=",\n".join(pictures), first=pictures[0].strip('"'),
    )  # fmt: skip


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>symgd</title>
<style>
body {{ font: 15px system-ui, sans-serif; margin: 1rem; color-scheme: light dark; }}
img {{ max-width: 100%; height: auto; display: block; }}
nav {{ display: flex; gap: .7rem; align-items: center; max-width: {width}px; }}
input {{ flex: 1; }}
</style></head><body>
<img id="frame" width="{width}" height="{height}" alt="animation"
 src="data:image/png;base64,{first}">
<nav><button id="play">pause</button><input id="place" type="range" min="0" max="{last}" value="0">
</nav>
<script>
const frames = [{pictures}];
const image = document.getElementById("frame"), place = document.getElementById("place");
const button = document.getElementById("play");
let playing = true, held = 0;
function show(k) {{
  place.value = k;
  image.src = "data:image/png;base64," + frames[k];
}}
setInterval(() => {{
  if (!playing) return;
  const k = Number(place.value);
  if (k < {last}) show(k + 1);
  else if (++held * {delay} > 1500) {{ held = 0; show(0); }}
}}, {delay});
button.onclick = () => {{ playing = !playing; button.textContent = playing ? "pause" : "play"; }};
place.oninput = () => {{ playing = false; button.textContent = "play";
  show(Number(place.value)); }};
</script></body></html>
"""

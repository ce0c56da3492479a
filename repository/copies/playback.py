"""Playback copies (播放副本): sound as MP3, moving pictures as H.264 with AAC in MP4, for what every machine can play.

Only the copy is in these forms: the master stays what it is. A copy is decoded and encoded frame by frame.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import av
from av.audio.resampler import AudioResampler

from repository.copies.copyist import Copying, Original
from repository.copies.worker import Unfit

RATE = 44_100
"""Samples a second that both sound encoders take."""

TALLEST = 720
"""Lines of a moving picture at most."""


def make(copying: Copying, folder: Path) -> Iterator[str]:
    """One copy for each file, `0001-<its name>.mp3` or `.mp4`. `Unfit` for what neither sounds nor moves."""
    for number, one in enumerate(copying.originals, 1):
        if one.media_type.startswith("image/"):  # to the decoder a single picture is a very short film
            raise Unfit(one.name, one.media_type)
        try:
            with av.open(one.place) as source:
                moves, sounds = bool(source.streams.video), bool(source.streams.audio)
            if not moves and not sounds:
                raise Unfit(one.name, "no stream")
            name = f"{number:04d}-{PurePosixPath(one.name).stem}.{'mp4' if moves else 'mp3'}"
            _copy(one, copying.words, folder / name)
        except av.FFmpegError as error:
            raise Unfit(one.name, error) from error
        yield name


def _copy(one: Original, words: str, place: Path) -> None:
    with av.open(one.place) as source, av.open(str(place), "w") as target:
        target.metadata["comment"] = words
        pairs: dict[int, Any] = {}
        if source.streams.video:
            pairs[source.streams.video[0].index] = _Pictures(source.streams.video[0], target)
        if source.streams.audio:
            codec = "aac" if source.streams.video else "libmp3lame"
            pairs[source.streams.audio[0].index] = _Sound(target, codec)
        for packet in source.demux():
            if packet.stream.index in pairs:
                for frame in packet.decode():
                    pairs[packet.stream.index].take(frame)
        for pair in pairs.values():
            pair.finish()


class _Pictures:
    """The moving pictures of a copy."""

    def __init__(self, source: Any, target: Any) -> None:
        self._target = target
        height = min(source.height, TALLEST) // 2 * 2
        width = round(source.width * height / source.height) // 2 * 2
        self._stream = target.add_stream("libx264", rate=source.average_rate or 25)
        self._stream.width, self._stream.height, self._stream.pix_fmt = max(2, width), max(2, height), "yuv420p"

    def take(self, frame: Any) -> None:
        """Encode one picture."""
        frame = frame.reformat(self._stream.width, self._stream.height, "yuv420p")
        self._target.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Encode what waits."""
        self._target.mux(self._stream.encode(None))


class _Sound:
    """The sound of a copy."""

    def __init__(self, target: Any, codec: str) -> None:
        self._target = target
        self._stream = target.add_stream(codec, rate=RATE)
        self._stream.layout = "stereo"
        self._resampler = AudioResampler(format=self._stream.format, layout="stereo", rate=RATE)

    def take(self, frame: Any) -> None:
        """Encode some sound."""
        for part in self._resampler.resample(frame):
            self._target.mux(self._stream.encode(part))

    def finish(self) -> None:
        """Encode what waits."""
        for part in self._resampler.resample(None):
            self._target.mux(self._stream.encode(part))
        self._target.mux(self._stream.encode(None))

"""Sound and moving pictures (录音录像): container, length, and each stream's codec, rate, channels, depth and size.

FFmpeg's libraries probe the beginning of a file and seek to its tables. They are given a stream and no protocol, so
that a playlist cannot make them open anything else, and only the demuxers of formats that archives keep.
"""

from collections.abc import Iterator
from fractions import Fraction
from functools import cache

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Stream
from av.video.stream import VideoStream

from packages_spec.technical import Part, Property, Technical
from repository.characterisation.bounded import Source
from repository.characterisation.report import Unreadable, listed, plain

DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,dv,flac,flv,m4v,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,"
    "mpegts,mpegvideo,mxf,ogg,rm,w64,wav,wv"
)
PROBED = 5 << 20
"""Bytes that FFmpeg may look at to find the streams."""
MICROSECONDS = 1_000_000

_OPTIONS = {"probesize": str(PROBED), "format_whitelist": DEMUXERS, "protocol_whitelist": "crypto"}


@cache
def tool() -> str:
    """The reader."""
    version = ".".join(map(str, av.library_versions["libavformat"]))
    return f"PyAV {av.__version__}, libavformat {version}"


def read(source: Source) -> Technical:
    """What the container and its streams say."""
    try:
        with av.open(source.stream, mode="r", container_options=_OPTIONS, metadata_errors="replace") as container:
            parts, more = listed([_stream(stream) for stream in container.streams])
            said = (*_container(container), *more)
            return Technical("recording", tool(), said, parts, None, _encoder(container))
    except (FFmpegError, ValueError) as error:
        raise Unreadable(str(error)) from error


def _container(container: InputContainer) -> Iterator[Property]:
    yield Property("container", container.format.name)
    if container.duration:
        yield Property("duration", _seconds(Fraction(container.duration, MICROSECONDS)), "s")
    if container.bit_rate:
        yield Property("bit-rate", str(container.bit_rate), "bit/s")


def _stream(stream: Stream) -> Part:
    kind = stream.type if stream.type in ("audio", "video") else "stream"
    context = getattr(stream, "codec_context", None)
    said = [Property("codec", context.name if context is not None else "unknown")]
    if isinstance(stream, AudioStream):
        said += _sound(stream)
    elif isinstance(stream, VideoStream):
        said += _picture(stream)
    if stream.duration and stream.time_base:
        said.append(Property("duration", _seconds(stream.duration * stream.time_base), "s"))
    return Part(kind, str(stream.index), tuple(said))


def _sound(stream: AudioStream) -> Iterator[Property]:
    context = stream.codec_context
    yield Property("sample-rate", str(context.sample_rate), "Hz")
    yield Property("channels", str(context.channels))
    if context.layout.name:
        yield Property("layout", plain(context.layout.name) or "?")
    depth = _coded_bits(context.name)
    if depth:
        yield Property("bit-depth", str(depth), "bit")
    if context.bit_rate:
        yield Property("bit-rate", str(context.bit_rate), "bit/s")


def _coded_bits(codec: str) -> int:
    """Bits of a sample where the codec keeps samples as they are; a lossy codec has none."""
    if not codec.startswith("pcm_"):
        return 0
    digits = "".join(each for each in codec.split("_")[1] if each.isdigit())
    return int(digits) if digits else 8


def _picture(stream: VideoStream) -> Iterator[Property]:
    context = stream.codec_context
    yield Property("width", str(context.width), "px")
    yield Property("height", str(context.height), "px")
    if context.pix_fmt:
        yield Property("pixel-format", context.pix_fmt)
    rate = stream.average_rate or stream.guessed_rate
    if rate:
        yield Property("frame-rate", _seconds(Fraction(rate)), "1/s")
    if context.bit_rate:
        yield Property("bit-rate", str(context.bit_rate), "bit/s")


def _seconds(value: Fraction) -> str:
    """Three places at most, without zeros at the end."""
    text = f"{float(value):.3f}"
    return text.rstrip("0").rstrip(".")


def _encoder(container: InputContainer) -> str | None:
    said = container.metadata.get("encoder") or container.metadata.get("ENCODER")
    return plain(said) if said else None

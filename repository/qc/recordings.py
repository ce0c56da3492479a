"""Sound and film (录音 A01-A05, 录像 V01-V05): what the container says against what is really in it.

FFmpeg's libraries decode from a stream and with no protocol, so that a playlist opens nothing else. Sound is decoded
whole, a sample at a time in memory; of a long film so many stretches are looked at as the profile says, evenly spread.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import cv2
import msgspec
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError

from repository.domain.quality import Check
from repository.qc.kinds import Kind
from repository.qc.profile import Profile, Rule

_OPTIONS = {"protocol_whitelist": "crypto"}
RIFF_HEAD, CHUNK_HEAD = 12, 8
SMALL = (64, 48)
"""Pixels to which a picture is shrunk before it is compared with the one before."""
FULL = 0.9999
"""Share of full scale at which a sample is as loud as can be."""


class Sound(msgspec.Struct):
    """What was heard, by the sample of the loudest channel."""

    samples: int = 0
    clipped: int = 0
    silent: int = 0
    longest: int = 0


class Pictures(msgspec.Struct):
    """What was seen: stretches of film in seconds."""

    seen: float = 0.0
    black: float = 0.0
    frozen: float = 0.0


def judge_recording(path: Path, kind: Kind, profile: Profile) -> tuple[Check, ...]:
    """All checks of the profile on one recording. One that does not open fails, and says nothing else."""
    damage = "A04" if kind == "audio" else "V03"
    if kind == "audio" and _is_cut_wave(path):
        return (Check("F01", "pass"), Check(damage, "fail", reason="truncated"))
    try:
        with path.open("rb") as stream, _open(stream) as opened:
            judge = _sound_checks if kind == "audio" else _film_checks
            checks = judge(opened, profile, path.stat().st_size)
            return (Check("F01", "pass"), *sorted(checks, key=lambda check: check.id))
    except (FFmpegError, ValueError, EOFError) as error:
        return (Check("F01", "fail", reason=_word(error)),)


def _open(stream: BinaryIO) -> InputContainer:
    return av.open(stream, mode="r", container_options=_OPTIONS, metadata_errors="replace")


def _word(error: Exception) -> str:
    return "truncated" if isinstance(error, EOFError) else "corrupt"


def _is_cut_wave(path: Path) -> bool:
    """Whether a RIFF file ends before its samples do: decoders play what there is, and say nothing."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(RIFF_HEAD)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return False
        at = RIFF_HEAD
        while at + CHUNK_HEAD <= size:
            stream.seek(at)
            chunk = stream.read(CHUNK_HEAD)
            length = int.from_bytes(chunk[4:], "little")
            if at + CHUNK_HEAD + length > size:
                return True
            at += CHUNK_HEAD + length + length % 2
        return False


def _sound_checks(opened: InputContainer, profile: Profile, size: int) -> Iterator[Check]:
    stream = next(iter(opened.streams.audio), None)
    if stream is None:
        yield Check("A01", "fail", reason="no-sound")
        return
    context = stream.codec_context
    if (rule := profile.rule("A01")) is not None:
        yield _coding(rule, "A01", opened.format.name, context.name, context.sample_rate, _depth(context.name))
    silence, clipping = profile.rule("A02"), profile.rule("A03")
    level = silence.number("level") if silence is not None else 0.0
    sound, failure = _listen(opened, stream, level, context.sample_rate)
    seconds = sound.samples / max(1, context.sample_rate)
    if profile.rule("A04") is not None:
        yield _whole("A04", profile.rules["A04"], _declared(opened, stream), seconds, failure)
    if silence is not None:
        yield (
            silence.limits["longest"].judge("A02", sound.longest / max(1, context.sample_rate))
            if (sound.silent < sound.samples)
            else Check("A02", "fail", 1000, "share", reason="silent")
        )
    if clipping is not None:
        yield clipping.limits["share"].judge("A03", sound.clipped / max(1, sound.samples))
    if (rule := profile.rule("A05")) is not None:
        yield rule.limits["rate"].judge("A05", size * 8 / 1000 / seconds if seconds else 0.0)


def _coding(rule: Rule, check: str, container: str, codec: str, rate: int, depth: int) -> Check:
    if not set(container.split(",")) & set(rule.words["containers"]):
        return Check(check, rule.outcomes["wrong"], reason=f"container-{container}")
    if not any(codec.startswith(each) for each in rule.words["codecs"]):
        return Check(check, rule.outcomes["wrong"], reason=f"codec-{codec}")
    judged = rule.limits["rate"].judge(check, rate)
    if judged.outcome == "pass" and "depth" in rule.limits:
        return rule.limits["depth"].judge(check, depth, reason="depth")
    return judged


def _depth(codec: str) -> int:
    """Bits of a sample where the codec keeps samples as they are; a lossy codec has none."""
    if not codec.startswith("pcm_"):
        return 24 if codec in ("flac", "alac") else 0
    digits = "".join(each for each in codec.split("_")[1] if each.isdigit())
    return int(digits) if digits else 8


def _listen(opened: InputContainer, stream: Any, level: float, rate: int) -> tuple[Sound, str]:
    """Decode it all: how much is silent or clipped, and the word for what stopped it."""
    sound, run = Sound(), 0
    block = max(1, rate // 10)
    try:
        for frame in opened.decode(stream):
            loud = _loudness(frame)
            sound.samples += len(loud)
            full = loud >= FULL
            # A wave that is cut off stays at the limit: three samples in a row are no peak.
            sound.clipped += int((full[2:] & full[1:-1] & full[:-2]).sum())
            for start in range(0, len(loud), block):
                part = loud[start : start + block]
                if float(part.max(initial=0.0)) < level:
                    sound.silent += len(part)
                    run += len(part)
                    sound.longest = max(sound.longest, run)
                else:
                    run = 0
    except (FFmpegError, EOFError) as error:
        return sound, _word(error)
    return sound, ""


def _loudness(frame: Any) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Of each sample the loudest channel, as a share of full scale."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, len(frame.layout.channels)).T
    if values.dtype.kind == "u":
        values = values.astype(np.int16) - 128
        most = 127.0
    elif values.dtype.kind == "i":
        most = float(np.iinfo(values.dtype).max)
    else:
        most = 1.0
    loud: np.ndarray[Any, np.dtype[np.float32]] = np.abs(values.astype(np.float32) / most).max(axis=0)
    return loud


def _declared(opened: InputContainer, stream: Any) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return float(Fraction(opened.duration or 0, 1_000_000))


def _whole(check: str, rule: Rule, declared: float, found: float, failure: str) -> Check:
    """Whether so much is there as the container declares."""
    if failure:
        return Check(check, "fail", reason=failure)
    if not declared:
        return Check(check, "abstain", unit="share", reason="no-length")
    return rule.limits["share"].judge(check, min(1.0, found / declared))


def _film_checks(opened: InputContainer, profile: Profile, size: int) -> Iterator[Check]:
    stream = next(iter(opened.streams.video), None)
    if stream is None:
        yield Check("V01", "fail", reason="no-picture")
        return
    declared = _declared(opened, stream)
    if (rule := profile.rule("V01")) is not None:
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        yield _coding(rule, "V01", opened.format.name, stream.codec_context.name, round(rate), 0)
    if (rule := profile.rule("V02")) is not None:
        measure = "hd" if stream.codec_context.height >= rule.number("lines") else "sd"
        yield rule.limits[measure].judge("V02", size * 8 / 1e6 / declared if declared else 0.0)
    black, frozen = profile.rule("V04"), profile.rule("V05")
    seen, failure = _watch(opened, stream, profile, declared)
    if (rule := profile.rule("V03")) is not None:
        yield _whole("V03", rule, declared, declared if seen.seen else 0.0, failure)
    if black is not None:
        yield black.limits["longest"].judge("V04", seen.black)
    if frozen is not None:
        yield frozen.limits["longest"].judge("V05", seen.frozen)


def _watch(opened: InputContainer, stream: Any, profile: Profile, declared: float) -> tuple[Pictures, str]:
    """Decode it, or so many stretches of it: the longest that is black, the longest in which nothing moves."""
    rule = profile.rules["V03"]
    whole, stretch = rule.number("whole"), rule.number("stretch")
    starts = (
        [0.0]
        if declared <= whole
        else [float(at) for at in np.arange(0, declared, declared / rule.number("stretches"))]
    )
    most = whole + 1 if declared <= whole else stretch
    seen = Pictures()
    try:
        for start in starts:
            if start:
                opened.seek(int(start / stream.time_base), stream=stream)
            _stretch(opened, stream, profile, most, seen)
        if len(starts) == 1 and declared and seen.seen < declared * rule.number("least"):
            return seen, "truncated"
    except (FFmpegError, EOFError) as error:
        return seen, _word(error)
    return seen, ""


def _stretch(opened: InputContainer, stream: Any, profile: Profile, most: float, seen: Pictures) -> None:
    dark = profile.rules["V04"].number("tone") if profile.rule("V04") else 0.0
    still = profile.rules["V05"].number("change") if profile.rule("V05") else -1.0
    before, black, frozen, first, last = None, 0.0, 0.0, None, 0.0
    for frame in opened.decode(stream):
        now = float(frame.time or 0.0)
        first = now if first is None else first
        step = max(0.0, now - last) if before is not None else 0.0
        last = now
        picture = cv2.resize(frame.to_ndarray(format="gray"), SMALL, interpolation=cv2.INTER_AREA)
        black = black + step if float(picture.mean()) <= dark else 0.0
        is_still = before is not None and float(cv2.absdiff(picture, before).mean()) <= still
        frozen = frozen + step if is_still else 0.0
        seen.black, seen.frozen = max(seen.black, black), max(seen.frozen, frozen)
        before = picture
        if now - first > most:
            break
    if first is not None:
        rate = float(stream.average_rate or 1)
        seen.seen += last - first + 1 / rate

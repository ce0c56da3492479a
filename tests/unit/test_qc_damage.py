"""Damaged and hostile files: every one is told as what it is, and the batch goes on within its bounds."""

import io
import struct
import time
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from fixtures.scans import tiff
from repository.domain.quality import PageVerdict
from repository.qc import Asked, Assessor, load_profile
from repository.qc.decoding import decode
from repository.qc.grey import Grey
from repository.qc.kinds import Kind, kind_of
from repository.qc.page import Damaged, Page
from tests.qc_pages import scanned, text_page

FORMATS: dict[str, tuple[Kind, dict[str, object]]] = {
    "jpeg": ("jpeg", {"format": "JPEG", "quality": 80}),
    "jpeg-progressive": ("jpeg", {"format": "JPEG", "quality": 80, "progressive": True, "optimize": True}),
    "tiff-g4": ("tiff", {"format": "TIFF", "compression": "group4"}),
    "tiff-lzw": ("tiff", {"format": "TIFF", "compression": "tiff_lzw"}),
    "tiff-jpeg": ("tiff", {"format": "TIFF", "compression": "jpeg"}),
    "tiff-deflate": ("tiff", {"format": "TIFF", "compression": "tiff_adobe_deflate"}),
    "png": ("png", {"format": "PNG"}),
    "jp2": ("jp2", {"format": "JPEG2000", "quality_mode": "rates", "quality_layers": [20]}),
}
CUTS, HOLES = 8, 8


@cache
def encoded(name: str) -> bytes:
    picture: Image.Image = Image.fromarray(scanned(text_page(5, size=(620, 877), lines=14), Random(5)))
    if name == "tiff-g4":
        picture = picture.point([255 * (value > 140) for value in range(256)], "1")
    elif name in ("jpeg", "tiff-jpeg", "jp2"):
        picture = picture.convert("RGB")
    stream = io.BytesIO()
    picture.save(stream, **FORMATS[name][1])  # type: ignore[arg-type] # a format's own options
    return stream.getvalue()


def told(content: bytes, kind: Kind) -> str:
    """The word for what is wrong, or `whole`."""
    try:
        for opened in decode(content, kind, load_profile("documents")):
            if isinstance(opened, Damaged):
                return opened.word
    except Damaged as damage:
        return damage.word
    return "whole"


@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_file_is_whole(name: str) -> None:
    assert told(encoded(name), FORMATS[name][0]) == "whole"
    assert kind_of(encoded(name), "x") == FORMATS[name][0]


@pytest.mark.parametrize("name", FORMATS)
def test_every_truncated_file_is_found(name: str) -> None:
    content, random = encoded(name), Random(11)
    ends = [
        len(content) - 1,
        len(content) - 2,
        *(random.randrange(len(content) // 10, len(content) - 2) for _ in range(CUTS)),
    ]
    assert [end for end in ends if told(content[:end], FORMATS[name][0]) == "whole"] == []


@pytest.mark.parametrize("name", FORMATS)
def test_every_zeroed_block_is_found(name: str) -> None:
    content, random, missed = encoded(name), Random(12), []
    size = 512 if len(content) < 60_000 else 1024
    for _ in range(HOLES):
        start = random.randrange(1_000, len(content) - size - 600)
        if told(content[:start] + bytes(size) + content[start + size :], FORMATS[name][0]) == "whole":
            missed.append(start)
    assert missed == []


def grey_tiff(grey: Grey) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, "TIFF")
    return stream.getvalue()


def test_a_block_that_was_lost_is_found_where_nothing_is_compressed() -> None:
    content, random = grey_tiff(scanned(text_page(5, size=(620, 877), lines=14), Random(5))), Random(12)
    assert told(content, "tiff") == "whole"
    starts = [random.randrange(1_000, len(content) - 9_000) for _ in range(40)]
    bright = [one for one in starts if min(content[one - 1], content[one + 4096]) > 128]
    assert len(bright) > 20
    for start in bright:
        assert told(content[:start] + bytes(4096) + content[start + 4096 :], "tiff") == "zero-block", start
    sectors = [n for n in range(2_048, 60_000, 512) if min(content[n - 1], content[n + 512]) > 128]
    for start in sectors[:20]:
        assert told(content[:start] + bytes(512) + content[start + 512 :], "tiff") == "zero-block", start


@pytest.mark.parametrize("shape", ["bars", "border", "line", "half", "all"])
def test_black_that_was_drawn_is_not_taken_for_a_lost_block(shape: str) -> None:
    grey = np.full((400, 2560), 255, np.uint8)
    match shape:
        case "bars":
            grey[50:90, 200:2000] = 0
            grey[120:160] = 0
        case "border":
            grey[:20] = grey[-20:] = 0
            grey[:, :20] = grey[:, -20:] = 0
        case "line":
            grey[::16, 300:1500] = 0
        case "half":
            grey[200:] = 0
        case _:
            grey[:] = 0
    assert told(grey_tiff(grey), "tiff") == "whole"


def test_white_paper_is_not_taken_for_a_lost_block() -> None:
    for options in ({"optimize": True}, {"optimize": True, "progressive": True}):
        stream = io.BytesIO()
        Image.new("L", (2480, 3508), 255).save(stream, "JPEG", **options)
        assert told(stream.getvalue(), "jpeg") == "whole"


def _two_directories() -> bytearray:
    return bytearray(tiff(bytes(64), bytes(64)))


def directory_cycle() -> bytes:
    content = _two_directories()
    content[-4:] = content[4:8]
    return bytes(content)


def huge_tiff() -> bytes:
    content = bytearray(tiff(bytes(64)))
    first = struct.unpack_from("<L", content, 4)[0]
    struct.pack_into("<L", content, first + 2 + 8, 60_000)
    struct.pack_into("<L", content, first + 2 + 12 + 8, 60_000)
    return bytes(content)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


def huge_png() -> bytes:
    """Three thousand million black pixels in three megabytes."""
    header = struct.pack(">LLBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(100)))
        + _chunk(b"IEND", b"")
    )


def endless_scans() -> bytes:
    """A progressive JPEG of ten thousand scans."""
    stream = io.BytesIO()
    Image.new("L", (512, 512), 90).save(stream, "JPEG", progressive=True)
    content = stream.getvalue()
    start = content.rfind(b"\xff\xda")
    return content[:start] + content[start:-2] * 10_000 + content[-2:]


BOMBS = {
    "directory-cycle": (directory_cycle, ".tif", "directory-cycle"),
    "huge-tiff": (huge_tiff, ".tif", "too-large"),
    "huge-png": (huge_png, ".png", "too-large"),
    "endless-scans": (endless_scans, ".jpg", "too-many-scans"),
    "empty": (lambda: b"", ".jpg", "corrupt"),
    "nothing-but-zeros": (lambda: bytes(4096), ".tif", "corrupt"),
}


def peak(process: int) -> int:
    """The most memory that a process has held, in bytes."""
    status = Path(f"/proc/{process}/status").read_text("ascii")
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def test_bombs_are_told_and_the_batch_goes_on_within_its_memory(tmp_path: Path) -> None:
    sound = tmp_path / "sound.jpg"
    sound.write_bytes(encoded("jpeg"))
    files: list[Asked] = []
    for name, (make, suffix, _) in BOMBS.items():
        (tmp_path / (name + suffix)).write_bytes(make())
        files += [Asked(tmp_path / (name + suffix), name + suffix), Asked(sound, "sound")]
    with Assessor(workers=2) as assessor:
        verdicts = list(assessor.assess(files))
        peaks = [peak(worker.process.pid) for worker in assessor._workers]
    assert [verdict.path for verdict in verdicts] == [file.name for file in files]
    for verdict in verdicts:
        first = verdict.checks[0]
        if verdict.path == "sound":
            assert (first.id, first.outcome) == ("F01", "pass")
        else:
            assert (verdict.outcome, first.id, first.reason) == (
                "fail",
                "F01",
                BOMBS[verdict.path.partition(".")[0]][2],
            )
    assert max(peaks) < 400 << 20


def judged(files: list[Asked], *, seconds: int = 60, memory: int = 4 << 30) -> list[PageVerdict]:
    with Assessor(workers=1, seconds=seconds, memory=memory) as assessor:
        return list(assessor.assess(files))


def test_a_decoder_that_runs_out_of_memory_fails_its_page_alone(tmp_path: Path) -> None:
    large, small = tmp_path / "large.png", tmp_path / "small.jpg"
    Image.new("L", (14_000, 14_000), 255).save(large, dpi=(300, 300))
    small.write_bytes(encoded("jpeg"))
    first, second = judged([Asked(large, "large"), Asked(small, "small")], memory=700 << 20)
    assert (first.outcome, first.checks[0].id) == ("fail", "F01")
    assert first.checks[0].reason in ("no-memory", "decoder-killed", "decoder-ended")
    assert second.checks[0].outcome == "pass"


def test_a_decoder_that_takes_too_long_fails_its_page_alone(tmp_path: Path) -> None:
    """A named pipe into which nobody writes stands for a decoder that never comes back."""
    import os

    os.mkfifo(tmp_path / "never.jpg")
    (tmp_path / "small.jpg").write_bytes(encoded("jpeg"))
    begun = time.monotonic()
    first, second = judged(
        [Asked(tmp_path / "never.jpg", "never.jpg"), Asked(tmp_path / "small.jpg", "small")], seconds=1
    )
    assert (first.outcome, first.kind, first.checks[0].reason) == ("fail", "jpeg", "too-slow")
    assert second.checks[0].outcome == "pass"
    assert time.monotonic() - begun < 100


def test_a_killed_process_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "small.jpg").write_bytes(encoded("jpeg"))

    def files(assessor: Assessor) -> Iterator[Asked]:
        yield Asked(tmp_path / "small.jpg", "one")
        assessor._workers[0].process.kill()
        assessor._workers[0].process.wait()
        yield Asked(tmp_path / "small.jpg", "two")
        yield Asked(tmp_path / "small.jpg", "three")

    with Assessor(workers=1) as assessor:
        outcomes = [verdict.checks[0].reason for verdict in assessor.assess(files(assessor))]
    assert outcomes[-1] == ""
    assert "decoder-killed" in outcomes


def test_pages_of_a_pdf_and_frames_of_a_tiff_each_have_a_verdict(tmp_path: Path) -> None:
    import img2pdf

    (tmp_path / "two.pdf").write_bytes(img2pdf.convert([encoded("jpeg"), encoded("tiff-g4")]))
    frames = [Image.open(io.BytesIO(encoded("tiff-g4"))) for _ in range(3)]
    frames[0].save(tmp_path / "three.tif", compression="group4", save_all=True, append_images=frames[1:])
    verdicts = judged([Asked(tmp_path / "two.pdf", "two.pdf"), Asked(tmp_path / "three.tif", "three.tif")])
    assert [(v.path, v.frame) for v in verdicts] == [
        *(("two.pdf", n) for n in (1, 2)),
        *(("three.tif", n) for n in (1, 2, 3)),
    ]
    assert all(verdict.checks[0].outcome == "pass" for verdict in verdicts)


def test_a_page_without_a_picture_was_not_seen(tmp_path: Path) -> None:
    import pikepdf

    document = pikepdf.new()
    document.add_blank_page()
    document.save(tmp_path / "text.pdf")
    (only,) = judged([Asked(tmp_path / "text.pdf", "text.pdf")])
    assert (only.outcome, only.checks[0].reason) == ("not-tested", "no-picture")


def test_what_is_no_page_is_not_tested_and_what_is_called_otherwise_fails(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"1,2\n")
    (tmp_path / "page.jpg").write_bytes(encoded("png"))
    other, page = judged([Asked(tmp_path / "list.csv", "list.csv"), Asked(tmp_path / "page.jpg", "page.jpg")])
    assert (other.outcome, other.kind) == ("not-tested", "unknown")
    assert {check.id: check.reason for check in page.checks if check.outcome == "fail"}["F03"] == "png-called-jpeg"


def test_the_producers_digest_is_compared(tmp_path: Path) -> None:
    import hashlib

    path = tmp_path / "page.jpg"
    path.write_bytes(encoded("jpeg"))
    right = {
        "sha256": hashlib.sha256(encoded("jpeg")).hexdigest(),
        "md5": hashlib.md5(encoded("jpeg")).hexdigest().upper(),
    }
    same, other, none = judged([Asked(path, "a", right), Asked(path, "b", right | {"md5": "0" * 32}), Asked(path, "c")])
    found = [{c.id: c.outcome for c in v.checks}.get("F02") for v in (same, other, none)]
    assert found == ["pass", "fail", None]


def test_a_page_decodes_to_the_same_tones_in_every_format() -> None:
    import numpy as np

    whole = [
        next(iter(decode(encoded(name), FORMATS[name][0], load_profile("documents")))) for name in ("png", "tiff-lzw")
    ]
    assert all(isinstance(page, Page) for page in whole)
    assert np.array_equal(whole[0].full, whole[1].full)  # type: ignore[union-attr] # just asserted

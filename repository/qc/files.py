"""A file of pages (文件到页): opened strictly, each page decoded once, each judged by the profile of its sort."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from repository.domain.quality import Check, Outcome, PageVerdict, outcome_of
from repository.qc.decoding import LARGEST, decode
from repository.qc.judge import judge_page
from repository.qc.kinds import HEAD, Kind, kind_of, media_of, named
from repository.qc.page import Damaged, Page
from repository.qc.profile import Media, Profile
from repository.qc.recordings import judge_recording


def judge_file(
    path: Path, name: str, profiles: Mapping[Media, Profile], digests: Mapping[str, str]
) -> Iterator[PageVerdict]:
    """The verdicts on its pages in order; one for a file that does not open, or that is none of what is judged."""
    with path.open("rb") as stream:
        kind = kind_of(stream.read(HEAD), name)
    if kind is None:
        yield _only(name, "unknown", (Check("F03", "not-tested", reason="no-page"),), profiles["page"])
        return
    profile = profiles[media_of(kind)]
    if path.stat().st_size > LARGEST and media_of(kind) == "page":
        yield _only(name, kind, (Check("F01", "fail", reason="too-large"),), profile)
        return
    if media_of(kind) != "page":
        checks, sha256 = _fixity(_chunks(path) if digests else (), digests)
        checks += _extension(name, kind)
        checks += judge_recording(path, kind, profile)
        yield _only(name, kind, checks, profile, sha256)
        return
    content = path.read_bytes()  # once: its digests are of what is decoded
    checks, sha256 = _fixity((content,), digests, always=True)
    yield from _pages(content, name, kind, profile, checks + _extension(name, kind), sha256)


def _extension(name: str, kind: Kind) -> tuple[Check, ...]:
    """F03 where the name promises another format than the file is."""
    promised = named(name)
    return () if promised in (None, kind) else (Check("F03", "fail", reason=f"{kind}-called-{promised}"),)


def _pages(
    content: bytes, name: str, kind: Kind, profile: Profile, checks: tuple[Check, ...], sha256: str
) -> Iterator[PageVerdict]:
    opened = _opened(content, kind, profile)
    for frame, page in enumerate(opened, 1):
        if isinstance(page, Page):
            yield judge_page(page, profile, path=name, frame=frame, kind=kind, before=checks, sha256=sha256)
        else:
            yield _unopened(name, frame, kind, checks, profile, page, sha256)


def _opened(content: bytes, kind: Kind, profile: Profile) -> Iterator[Page | Damaged]:
    """The pages as they decode; what a decoder raises ends the file. What a check of ours raises is not caught here."""
    pages = decode(content, kind, profile)
    while True:
        try:
            page = next(pages, None)
        except Damaged as damage:
            yield damage
            return
        except Exception as error:  # noqa: BLE001 - a hostile file may raise anything that a decoder of it can
            yield Damaged("no-memory" if isinstance(error, MemoryError) else "corrupt", error)
            return
        if page is None:
            return
        yield page


def _unopened(
    name: str, frame: int, kind: str, checks: tuple[Check, ...], profile: Profile, why: Damaged, sha256: str
) -> PageVerdict:
    """A page that does not open whole fails; one that was never there (a PDF's page without a picture) was not seen."""
    outcome: Outcome = "not-tested" if why.word in NEVER_THERE else "fail"
    found = (Check("F01", outcome, reason=why.word), *checks)
    return _only(name, kind, found, profile, sha256, frame)


NEVER_THERE = ("no-picture",)


def _only(
    name: str, kind: str, checks: tuple[Check, ...], profile: Profile, sha256: str = "", frame: int = 1
) -> PageVerdict:
    return PageVerdict(
        path=name,
        frame=frame,
        kind=kind,
        outcome=outcome_of(checks),
        checks=checks,
        sha256=sha256,
        profile=profile.digest,
    )


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            yield chunk


def _fixity(
    chunks: Iterable[bytes], digests: Mapping[str, str], *, always: bool = False
) -> tuple[tuple[Check, ...], str]:
    """F02 by each digest that the producer gave, and the file's own SHA-256, `always` or where one was given."""
    algorithms = {*digests, "sha256"} if always else {*digests}
    hashes = {each: hashlib.new(each, usedforsecurity=False) for each in algorithms}
    for chunk in chunks:
        for each in hashes.values():
            each.update(chunk)
    found = {algorithm: each.hexdigest() for algorithm, each in hashes.items()}
    same = all(found[algorithm] == digest.lower() for algorithm, digest in digests.items())
    checks = (Check("F02", "pass" if same else "fail", reason="" if same else "digest-differs"),) if digests else ()
    return checks, found.get("sha256", "")

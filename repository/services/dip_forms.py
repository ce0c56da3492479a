"""Forms of a dissemination package (提供形式): the record as it is kept, or copies made from it to be looked at.

| form | what is made | how it goes out |
|---|---|---|
| bag | the E-ARK DIP: the stored bytes, with their history | a folder; over a wire as zip |
| zip | the same | one zip64 file, not compressed: pages are compressed already |
| pdf | chosen pages, not one pixel changed, each with a visible mark | one PDF file |
| images | chosen pages in a chosen width, each with a visible mark | a bag; over a wire as zip |
| playback | sound as MP3, moving pictures as H.264 and AAC in MP4 | a bag; over a wire as zip |

Every form is a valid bag, whose manifests' digests stand in the log. Copies are made from copies of the stored files
that were compared with the manifest on the way.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from packages_spec import bagit
from packages_spec.digests import Digested
from packages_spec.profiles import Built, PayloadFile
from repository.copies import Copying, Original, make_copies
from repository.errors import ArchiveError
from repository.services.session import SOFTWARE, SOFTWARE_VERSION
from repository.storage import Folder

FORMS = ("bag", "zip", "pdf", "images", "playback")
COPIES = frozenset({"pdf", "images", "playback"})
"""Forms that are made from the record; the others are the record."""

NARROWEST, WIDEST = 16, 10_000
WIDTH = 1_600
"""Pixels of a picture's width where none is asked for."""

PAGES = 100_000
"""The highest number that a page can have here."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A form, the numbers of the pages (files, from 1; empty for all) and, for pictures, their width."""

    form: str = "bag"
    pages: tuple[int, ...] = ()
    width: int | None = None

    @property
    def is_copy(self) -> bool:
        """Whether something is made from the record."""
        return self.form in COPIES


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What stands visibly on every page that leaves: whose record, for which reader, when, under which request."""

    institution: str
    code: str
    reader: str
    date: str
    request: str

    @property
    def words(self) -> str:
        """One line of it."""
        return f"{self.institution}　利用者 {self.reader}　{self.date}　申请 {self.request}"

    @property
    def plain_words(self) -> str:
        """The same where there is no Chinese font: the institution by its code."""
        return f"{self.code}  reader {self.reader}  {self.date}  request {self.request}"


class Taken(msgspec.Struct, frozen=True):
    """A file of the record, and the true copy of it that a form is made from."""

    file: PayloadFile
    place: Path


class Carrier(msgspec.Struct, frozen=True):
    """The one file that goes over a wire."""

    file: Digested
    media_type: str


def checked(wish: Wish) -> Wish:
    """The wish, if it can be one. `form-unknown`, `pages-invalid`, `width-invalid`."""
    if wish.form not in FORMS:
        raise ArchiveError("form-unknown", wish.form, known=", ".join(FORMS))
    if wish.width is not None and (wish.form != "images" or not NARROWEST <= wish.width <= WIDEST):
        raise ArchiveError("width-invalid", wish.width, least=NARROWEST, most=WIDEST)
    if any(not 1 <= page <= PAGES for page in wish.pages):
        raise ArchiveError("pages-invalid", ", ".join(map(str, wish.pages[:5])))
    return wish


def read_pages(text: str) -> tuple[int, ...]:
    """Page numbers as people write them: `1-3,7`. `pages-invalid` for anything else."""
    pages: list[int] = []
    for part in filter(None, text.replace("，", ",").replace(" ", "").split(",")):
        first, dash, last = part.partition("-")
        ends = (first, last if dash else first)
        if not all(end.isascii() and end.isdigit() and 1 <= int(end) <= PAGES for end in ends):
            raise ArchiveError("pages-invalid", text)
        pages += range(int(ends[0]), int(ends[1]) + 1)
    if not pages or len(pages) > PAGES:
        raise ArchiveError("pages-invalid", text)
    return tuple(dict.fromkeys(pages))


def pages_of(files: Sequence[PayloadFile], pages: Sequence[int]) -> list[PayloadFile]:
    """The files with these numbers, in the order asked for. `pages-invalid` for a number that is none's."""
    for page in pages:
        if page > len(files):
            raise ArchiveError("pages-invalid", page)
    return [files[page - 1] for page in pages] if pages else list(files)


def make_bag_of_copies(
    taken: Sequence[Taken], bag: Folder, wish: Wish, mark: Mark, *, dip: str, sources: Sequence[tuple[str, str]]
) -> Built:
    """Make the copies of a form and the bag round them. `form-unfit` names a file that has no such form."""
    copying = Copying(
        form=wish.form,
        originals=tuple(Original(str(one.place), one.file.path, one.file.media_type) for one in taken),
        folder=str(bag.root / "data"),
        width=wish.width or WIDTH,
        words=mark.words,
        plain_words=mark.plain_words,
    )
    payload = sorted(bag.hashed(f"data/{name}") for name in make_copies(copying))
    fields = [
        ("External-Identifier", f"urn:uuid:{dip}"),
        ("Bagging-Date", mark.date[:10]),
        ("Payload-Oxum", bagit.payload_oxum(payload)),
        *sources,
        ("Bag-Software-Agent", f"{SOFTWARE}/{SOFTWARE_VERSION}"),
    ]
    tags = [
        bag.write("bagit.txt", [bagit.declaration()]),
        bag.write("bag-info.txt", [bagit.bag_info(fields)]),
        bag.write("manifest-sha256.txt", bagit.manifest(payload)),
    ]
    tagmanifest = bag.write("tagmanifest-sha256.txt", bagit.manifest(sorted(tags)))
    return Built((*payload, *tags, tagmanifest), tags[-1].sha256, tagmanifest.sha256)

"""Judging a bag (RFC 8493 3): complete, and every digest true.

Each file is opened once, whatever the number of manifests; no link is followed, nothing outside the folder is opened,
nothing is fetched, and whatever stands in the folder the answer is findings, not an exception.
"""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from unicodedata import normalize

import msgspec

from packages_spec.bagit.fixity import DigestSource, Fixity
from packages_spec.bagit.info import judge_info
from packages_spec.bagit.names import judge_names
from packages_spec.bagit.parts import parts
from packages_spec.bagit.reader import Bag, Reading
from packages_spec.bagit.tree import Tree
from packages_spec.findings import Bounded, Finding
from packages_spec.paths import same_name, shown

_MANIFEST = re.compile(r"manifest-[^/]+\.txt")
_TAG_MANIFEST = re.compile(r"tagmanifest-[^/]+\.txt")


def validate_bag(root: Path, *, digests: DigestSource | None = None, workers: int = 1) -> list[Finding]:
    """Everything that speaks against the bag in the folder `root`; it is valid when no finding is an error.

    `digests` serves digests that were computed while the bag was copied; without it every listed file is read, large
    ones by as many threads as `workers`. Memory does not grow with the number of files, only with what is wrong.
    """
    findings: list[Finding] = Bounded()
    reading = Reading(root, findings)
    bag = reading.bag()
    whole = _Whole({entry.path for entry in bag.fetch if entry.path.startswith("data/")})
    with Fixity(root, digests, workers) as fixity:
        fixity.payload.asked.update((entry.path, -1) for entry in bag.fetch if entry.length is not None)
        for listed, tree in parts(bag, reading, root, findings):
            whole.take(listed, tree)
            resolved, renamed = _resolved(listed, tree)
            findings += renamed
            findings += _judge_part(resolved, tree, fixity)
    findings += _judge_structure(bag, whole)
    findings += judge_info(bag, fixity.payload.bytes, fixity.payload.files)
    findings += _judge_fetch(bag, whole, fixity.payload.asked)
    return sorted(set(findings))


class _Whole(msgspec.Struct):
    """What is to be known of all parts together."""

    unlisted: set[str]
    """Paths of `fetch.txt` that no manifest lists so far."""
    has_payload_folder: bool = False

    def take(self, listed: Bag, tree: Tree) -> None:
        """Note what one part adds."""
        self.has_payload_folder |= "data" in tree.folders
        self.unlisted.difference_update(*listed.manifests.values())


def _judge_part(bag: Bag, tree: Tree, fixity: Fixity) -> Iterator[Finding]:
    """What can be said of a part by itself: what is listed, what is there, and the digests of both."""
    yield from _judge_places(bag)
    yield from _judge_tag_manifests(bag, tree)
    yield from _judge_listing(bag, tree)
    yield from judge_names(tree)
    yield from fixity.judge(bag, tree)


def _resolved(bag: Bag, tree: Tree) -> tuple[Bag, list[Finding]]:
    """The bag with each listed name that differs from a file's only in its Unicode form replaced by the file's.

    Such names come from file systems that store another form than they were given (RFC 8493 5.3). The file is judged
    by its digest all the same; the difference is a finding.
    """
    listed = set(chain(*bag.manifests.values(), *bag.tag_manifests.values()))
    files = tree.payload.keys() | tree.tags.keys()
    by_form = {normalize("NFC", path): path for path in files - listed if not path.isascii()}
    mapped = {path: by_form[form] for path in listed - files if (form := normalize("NFC", path)) in by_form}
    if not mapped:
        return bag, []
    findings = [Finding("bag.name-form", path, _escaped(path), _escaped(file)) for path, file in mapped.items()]
    renamed = {
        kind: {name: {mapped.get(p, p): d for p, d in entries.items()} for name, entries in listing.items()}
        for kind, listing in (("manifests", bag.manifests), ("tag_manifests", bag.tag_manifests))
    }
    return msgspec.structs.replace(bag, **renamed), findings


def _judge_structure(bag: Bag, whole: _Whole) -> Iterator[Finding]:
    if not whole.has_payload_folder:
        yield Finding("bag.payload-folder-missing", "data")
    if not bag.manifests:
        yield Finding("bag.manifest-missing", "manifest-<algorithm>.txt")


def _judge_places(bag: Bag) -> Iterator[Finding]:
    """A payload manifest lists payload files only, a tag manifest neither these nor a tag manifest."""
    for algorithm, entries in bag.manifests.items():
        for path in entries:
            if not path.startswith("data/"):
                yield Finding("bag.manifest-outside-payload", path, "data/", f"manifest-{algorithm}.txt")
    for algorithm, entries in bag.tag_manifests.items():
        for path in entries:
            if path.startswith("data/") or _TAG_MANIFEST.fullmatch(path):
                yield Finding("bag.tag-manifest-lists", path, found=f"tagmanifest-{algorithm}.txt")


def _judge_tag_manifests(bag: Bag, tree: Tree) -> Iterator[Finding]:
    """From 1.0 on every tag manifest must list every payload manifest, and all of them should list the same."""
    if not bag.strict:
        return
    listed = set(chain(*bag.tag_manifests.values()))
    for algorithm, entries in bag.tag_manifests.items():
        for path in tree.tags:
            if path not in entries and _MANIFEST.fullmatch(path):
                yield Finding("bag.tag-manifest-lacks", path, found=f"tagmanifest-{algorithm}.txt")
        for path in listed - entries.keys():
            if not _MANIFEST.fullmatch(path):
                yield Finding("bag.tag-manifests-differ", path, found=f"tagmanifest-{algorithm}.txt")


def _judge_listing(bag: Bag, tree: Tree) -> Iterator[Finding]:
    """Files listed and absent, present and not listed: in every manifest for 1.0, in any for the drafts."""
    payload = set(chain(*bag.manifests.values()))
    yield from _judge_missing(bag, tree, payload.union(*bag.tag_manifests.values()))
    for path in tree.payload.keys() - payload:
        yield Finding("bag.file-unlisted", shown(path))
    for algorithm, entries in bag.manifests.items() if bag.strict else ():
        for path in payload - entries.keys():
            yield Finding("bag.manifest-incomplete", path, f"manifest-{algorithm}.txt")


def _judge_missing(bag: Bag, tree: Tree, listed: set[str]) -> Iterator[Finding]:
    files = tree.payload.keys() | tree.tags.keys()
    missing = listed - files
    awaited = {entry.path for entry in bag.fetch} if missing else set()
    alike = {same_name(path): path for path in files - listed} if missing else {}
    for path in missing:
        if path in awaited:
            yield Finding("bag.fetch-needed", path)
        elif same := alike.get(same_name(path)):
            yield Finding("bag.name-case", path, path, shown(same))
        else:
            yield Finding("bag.file-missing", path)


def _judge_fetch(bag: Bag, whole: _Whole, sizes: dict[str, int]) -> Iterator[Finding]:
    paths: set[str] = set()
    for entry in bag.fetch:
        if not entry.path.startswith("data/"):
            yield Finding("bag.fetch-outside-payload", entry.path, "data/", entry.url)
        elif entry.path in whole.unlisted:
            yield Finding("bag.fetch-unlisted", entry.path, found=entry.url)
        if entry.path in paths:
            yield Finding("bag.fetch-twice", entry.path, found=entry.url)
        if entry.length is not None and sizes[entry.path] not in {-1, entry.length}:
            yield Finding("bag.fetch-length", entry.path, str(entry.length), str(sizes[entry.path]))
        paths.add(entry.path)


def _escaped(path: str) -> str:
    """The path in ASCII, so that two forms of one letter can be told apart."""
    return path.encode("ascii", "backslashreplace").decode()

"""Judging a bag (RFC 8493 3): complete, and every digest true.

Each file is opened once, whatever the number of manifests; no link is followed, nothing outside the folder is opened,
nothing is fetched, and whatever stands in the folder the answer is findings, not an exception.
"""

import re
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from unicodedata import normalize

import msgspec

from packages_spec.bagit.fixity import DigestSource, digests_of_file, judge_digests
from packages_spec.bagit.reader import Bag, read_bag
from packages_spec.bagit.tree import Tree, walk
from packages_spec.findings import Finding
from packages_spec.paths import same_name, shown

_OXUM = re.compile(r"([0-9]{1,20})\.([0-9]{1,20})")


def validate_bag(root: Path, *, digests: DigestSource | None = None, workers: int = 1) -> list[Finding]:
    """Everything that speaks against the bag in the folder `root`; it is valid when no finding is an error.

    `digests` serves digests that were computed while the bag was copied; without it every listed file is read, by
    as many threads as `workers`.
    """
    bag = read_bag(root)
    findings = list(bag.findings)
    tree = walk(str(root), findings)
    bag, renamed = _resolved(bag, tree)
    findings += renamed
    findings += _judge_structure(bag, tree)
    findings += _judge_oxum(bag, tree)
    findings += _judge_listing(bag, tree)
    findings += _judge_fetch(bag, tree)
    findings += _judge_names(tree)
    findings += judge_digests(bag, tree, digests or partial(digests_of_file, str(root)), workers)
    return sorted(set(findings))


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


def _judge_structure(bag: Bag, tree: Tree) -> Iterator[Finding]:
    if "data" not in tree.folders:
        yield Finding("bag.payload-folder-missing", "data")
    if not bag.manifests:
        yield Finding("bag.manifest-missing", "manifest-<algorithm>.txt")
    for algorithm, entries in bag.manifests.items():
        for path in entries:
            if not path.startswith("data/"):
                yield Finding("bag.manifest-outside-payload", path, "data/", f"manifest-{algorithm}.txt")
    yield from _judge_tag_manifests(bag, tree)


def _judge_tag_manifests(bag: Bag, tree: Tree) -> Iterator[Finding]:
    for algorithm, entries in bag.tag_manifests.items():
        for path in entries:
            if path.startswith(("data/", "tagmanifest-")):
                yield Finding("bag.tag-manifest-lists", path, found=f"tagmanifest-{algorithm}.txt")
        for path in tree.tags:
            if bag.strict and path.startswith("manifest-") and path not in entries:
                yield Finding("bag.tag-manifest-lacks", path, found=f"tagmanifest-{algorithm}.txt")


def _judge_oxum(bag: Bag, tree: Tree) -> Iterator[Finding]:
    claims = [value for label, value in bag.info if label.lower() == "payload-oxum"]
    actual = f"{sum(tree.payload.values())}.{len(tree.payload)}"
    if len(claims) > 1:
        yield Finding("bag.oxum-repeated", "bag-info.txt", found=", ".join(map(shown, claims[:9])))
    for claim in claims:
        if not (found := _OXUM.fullmatch(claim)):
            yield Finding("bag.oxum-malformed", "bag-info.txt", actual, shown(claim))
        elif f"{int(found[1])}.{int(found[2])}" != actual:
            yield Finding("bag.oxum-wrong", "bag-info.txt", claim, actual)


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


def _judge_fetch(bag: Bag, tree: Tree) -> Iterator[Finding]:
    paths: set[str] = set()
    for entry in bag.fetch:
        if not entry.path.startswith("data/"):
            yield Finding("bag.fetch-outside-payload", entry.path, "data/", entry.url)
        elif not bag.expected(entry.path):
            yield Finding("bag.fetch-unlisted", entry.path, found=entry.url)
        if entry.path in paths:
            yield Finding("bag.fetch-twice", entry.path, found=entry.url)
        if entry.length is not None and tree.payload.get(entry.path, entry.length) != entry.length:
            yield Finding("bag.fetch-length", entry.path, str(entry.length), str(tree.payload[entry.path]))
        paths.add(entry.path)


def _judge_names(tree: Tree) -> Iterator[Finding]:
    """File names that are no UTF-8, and names of which some file systems can hold only one."""
    first: dict[str, str] = {}
    for path in sorted(chain(tree.payload, tree.tags, tree.folders)):
        if not path.isascii() and shown(path) != path:
            yield Finding("path.not-utf8", shown(path))
        elif first.setdefault(same_name(path), path) != path:
            yield Finding("bag.names-alike", path, found=first[same_name(path)])


def _escaped(path: str) -> str:
    """The path in ASCII, so that two forms of one letter can be told apart."""
    return path.encode("ascii", "backslashreplace").decode()

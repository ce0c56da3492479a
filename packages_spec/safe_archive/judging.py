"""What speaks against an entry, after all that came before it."""

from pathlib import Path

import msgspec

from packages_spec.findings import Finding
from packages_spec.paths import DEVICE, HIDDEN, judge_path, same_name, shown
from packages_spec.safe_archive.entries import FILE, FOLDER, Entry


class Bounds(msgspec.Struct, frozen=True):
    """How much may come out of one archive file.

    Names are held in memory, so `members` bounds that too; `depth` is how many parts a path may have. `ratio` is what
    comes out against the size of the archive file, looked at once more than `ratio_from` bytes come out: blank pages
    shrink a hundredfold, bombs a thousandfold and more.
    """

    members: int = 250_000
    depth: int = 100
    total: int = 1 << 40
    ratio: int = 200
    ratio_from: int = 64 << 20


class Judge:
    """What has been seen of one archive file so far."""

    def __init__(self, path: Path, bounds: Bounds) -> None:
        self._bounds = bounds
        self._largest = max(path.stat().st_size * bounds.ratio, bounds.ratio_from)
        self._count = self._total = 0
        self._files: set[str] = set()
        self._folders: set[str] = {""}
        self._first: dict[str, str] = {}
        self.full = False

    def judge(self, entry: Entry) -> list[Finding]:
        """What speaks against this entry, after all that came before it."""
        findings = judge_path(entry.path)
        if not findings:
            findings = self._judge_form(entry.path) + self._judge_place(entry.path, is_folder=entry.kind == FOLDER)
        if entry.kind not in {FILE, FOLDER}:
            findings.append(Finding(entry.kind, shown(entry.path)))
        return findings + self._judge_amount(entry)

    def _judge_form(self, path: str) -> list[Finding]:
        """What makes a name look, sort or unpack as another."""
        parts = path.split("/")
        findings = []
        if HIDDEN.search(path):
            findings.append(Finding("archive-file.name-hidden", shown(path), found=ascii(path)))
        if len(parts) > self._bounds.depth:
            findings.append(Finding("archive-file.too-deep", shown(path), str(self._bounds.depth), str(len(parts))))
        if any(DEVICE.match(part) for part in parts):
            findings.append(Finding("archive-file.name-device", shown(path)))
        return findings

    def _judge_place(self, path: str, *, is_folder: bool) -> list[Finding]:
        clash = path in self._files or (path in self._folders and not is_folder)
        findings = [Finding("archive-file.member-twice", path)] if clash else []
        findings += self._judge_name(path)
        (self._folders if is_folder else self._files).add(path)
        folder = path.rpartition("/")[0]
        while folder not in self._folders:
            self._folders.add(folder)
            findings += self._judge_name(folder)
            if folder in self._files:
                findings.append(Finding("archive-file.member-twice", folder))
            folder = folder.rpartition("/")[0]
        return findings

    def _judge_name(self, path: str) -> list[Finding]:
        first = self._first.setdefault(same_name(path), path)
        return [] if first == path else [Finding("path.collision", path, found=first)]

    def _judge_amount(self, entry: Entry) -> list[Finding]:
        self._count += 1
        self._total += entry.size
        amounts = (
            ("archive-file.too-many", self._bounds.members, self._count),
            ("archive-file.too-large", self._bounds.total, self._total),
            ("archive-file.ratio", self._largest, self._total),
        )
        findings = [Finding(code, ".", str(bound), str(amount)) for code, bound, amount in amounts if amount > bound]
        self.full = bool(findings)
        return findings

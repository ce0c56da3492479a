"""Judge the hostile corpus, each case in a process of its own that has bounds.

Run as `python -m tests.hostile_judge FOLDER [KIND...]`, which makes the cases whose rules are of these kinds (`bag`,
`path`, ...; all when none is named) below FOLDER and prints a line of JSON for each: `rule`, `name`, `codes` (of
errors), `mib` (the most memory that it held), `ended` (0, or the signal that ended it, negative). A child may map
512 MiB beyond what the program itself maps and use ten seconds of the processor; if it waits, it is ended as well.
"""

import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fixtures.hostile import CASES, Case, write
from packages_spec import safe_archive, safe_xml
from packages_spec.bagit import validate_bag
from packages_spec.findings import Finding, Severity

MEMORY_MIB = 512
SECONDS = 10
WAITING = 100
"""Seconds by the clock: on a busy machine they say nothing of the case, but one that waits for ever has to end."""


def judged(case: Case, place: Path, staging: Path) -> set[str]:
    """The codes of the errors that the judge of its kind finds; what an archive file gives out goes below `staging`."""
    if case.suffix == ".xml":
        return {refusal_of(lambda: safe_xml.parse(place.read_bytes())), refusal_of(lambda: drain(streamed(place)))}
    if case.suffix:
        return of_archive(place, safe_archive.Bounds(**case.bounds), staging)
    return errors(validate_bag(place, workers=2))


def of_archive(place: Path, bounds: safe_archive.Bounds, staging: Path) -> set[str]:
    """What `scan` finds; `members` has to stop at the same, or at what only reading finds."""
    found = errors(safe_archive.scan(place, bounds))
    stopped = refusal_of(lambda: unpack(place, bounds, staging))
    return found | {stopped} if not found or stopped not in found else found


def unpack(place: Path, bounds: safe_archive.Bounds, staging: Path) -> None:
    """Write what comes out, as whoever takes a delivery in would."""
    for member in safe_archive.members(place, bounds):
        target = staging / member.path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as stream:
            for chunk in member.chunks:
                stream.write(chunk)


def streamed(place: Path) -> Iterator[object]:
    """The document as a stream of its outermost element."""
    with place.open("rb") as source:
        yield from safe_xml.stream(source, ["nothing"])


def drain(things: Iterable[object]) -> None:
    """Take all of them."""
    for _ in things:
        pass


def refusal_of(read: Callable[[], object]) -> str:
    """The code with which reading is refused, empty when it is not."""
    try:
        read()
    except (safe_xml.UnsafeXml, safe_archive.RefusedArchive) as refused:
        return refused.finding.code
    return ""


def errors(findings: Iterable[Finding]) -> set[str]:
    """The codes of those that make it invalid."""
    return {finding.code for finding in findings if finding.severity is Severity.ERROR}


def mapped() -> int:
    """Bytes that this process maps."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def in_child(case: Case, place: Path, staging: Path) -> tuple[dict[str, object], int]:
    """Judge it in a child; its answer, and the signal that ended it, if any."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receiver)
        limit = mapped() + (MEMORY_MIB << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        signal.alarm(WAITING)
        try:
            answer: dict[str, object] = {"codes": sorted(judged(case, place, staging))}
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
            answer = {"codes": [f"{type(error).__name__}: {error}"[:200]]}
        answer["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        os.write(sender, json.dumps(answer).encode())
        os._exit(0)
    os.close(sender)
    with open(receiver, "rb") as stream:  # noqa: PTH123 - a pipe has no path
        answer = json.loads(stream.read() or "{}")
    _, status = os.waitpid(child, 0)
    return answer, os.waitstatus_to_exitcode(status)


def main(folder: Path, kinds: set[str]) -> None:
    """Judge all cases, or those of these kinds."""
    for case in CASES:
        if kinds and case.rule.partition(".")[0] not in kinds:
            continue
        place = write(case, folder / "corpus")
        staging = folder / "staging"
        staging.mkdir()
        answer, ended = in_child(case, place, staging)
        shutil.rmtree(staging)
        sys.stdout.write(json.dumps({"rule": case.rule, "name": case.name, "ended": ended} | answer) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), set(sys.argv[2:]))

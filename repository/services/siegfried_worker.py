"""The identifier's own process: JSON lists of paths come in, a line each; Siegfried's answers go out, a line each.

Where PRONOM sees no more than a ZIP, our own signature of OFD (GB/T 33190) looks into it, and answers in `own`.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CONTROL = re.compile("[\x00-\x1f]")
ZIP = "x-fmt/263"
OFD_NAMESPACE = "http://www.ofdspec.org/2016"


def work() -> None:
    """Answer until nothing more is asked."""
    os.environ.setdefault("GOGC", "30")  # Go lets its heap double; a third more is enough for signatures
    sys.path.insert(0, str(Path(__file__).parents[2]))  # isolated, it knows no folder of ours
    import pygfried

    for line in sys.stdin:
        answer = identify(pygfried.identify_many, json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def identify(identify_many: Callable[[list[str]], Any], paths: list[str]) -> Any:
    """Siegfried's answer. It leaves control characters in its JSON as they are, so such files are named by a link."""
    odd = [number for number, path in enumerate(paths) if CONTROL.search(path)]
    with TemporaryDirectory(prefix="jingui-identify-") if odd else nullcontext("") as folder:
        asked = list(paths)
        for number in odd:
            link = Path(folder) / f"{number}{CONTROL.sub('_', Path(paths[number]).suffix)}"
            link.symlink_to(Path(paths[number]).absolute())
            asked[number] = str(link)
        answer = identify_many(asked)
    for number in odd:
        answer["files"][number]["filename"] = paths[number]
    for path, row in zip(paths, answer["files"], strict=True):
        if any(match["id"] == ZIP for match in row.get("matches", ())) and (own := _own(path)):
            row["own"] = own
    return answer


def _own(path: str) -> dict[str, str] | None:
    """What our signatures know a ZIP for, or None."""
    from packages_spec.ofd import is_ofd, read_ofd
    from packages_spec.zip_container import Container

    try:
        with Path(path).open("rb") as stream, Container(stream) as container:
            if not is_ofd(container):
                return None
            version, _ = read_ofd(container)
    except Exception:  # noqa: BLE001 - whatever it was meant to be, and however it harms a reader, it is a ZIP
        return None
    basis = f"jingui signature: OFD.xml, {OFD_NAMESPACE}; PRONOM: {ZIP}"
    return {"format": "OFD", "version": version, "mime": "application/zip", "basis": basis}


if __name__ == "__main__":
    work()

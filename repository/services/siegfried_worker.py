"""The identifier's own process: JSON lists of paths come in, a line each; Siegfried's answers go out, a line each."""

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


def work() -> None:
    """Answer until nothing more is asked."""
    os.environ.setdefault("GOGC", "30")  # Go lets its heap double; a third more is enough for signatures
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
    return answer


if __name__ == "__main__":
    work()

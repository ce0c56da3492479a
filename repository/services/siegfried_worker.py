"""The identifier's own process: JSON lists of paths come in, a line each; Siegfried's answers go out, a line each."""

import json
import os
import sys


def work() -> None:
    """Answer until nothing more is asked."""
    os.environ.setdefault("GOGC", "30")  # Go lets its heap double; a third more is enough for signatures
    import pygfried

    for line in sys.stdin:
        answer = pygfried.identify_many(json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    work()

"""Golden tails: the log's files in a store as every later version must read them.

`python -m tests.golden_tails` makes them where they do not exist. The events are the golden ones, renumbered nowhere:
a tail is bytes, and what it says of them is their positions and nothing else.
"""

import json
from pathlib import Path
from uuid import UUID

from repository.storage import Span, Tails

FOLDER = Path(__file__).parents[1] / "fixtures" / "tails"
EVENTS = Path(__file__).parents[1] / "fixtures" / "events"
ARCHIVE, STORE = UUID("9a768edc-18b5-4298-86eb-df672e235aac"), UUID("5f3c1d2e-0000-4000-8000-0000000000aa")
NAMES = ("Agent.Registered", "Agent.CredentialIssued", "ArchivalPackage.Stored", "ArchivalPackage.Replicated")
EXPUNGED = 2
COMMAND = {"command_id": "34aa04ad-4f28-5493-b46e-451dea0c3cf1", "request_sha256": "ab" * 32, "first": 1, "last": 4}


def entries() -> list[tuple[int, bytes, bytes]]:
    """Position, envelope and line of the payload; the second payload was expunged."""
    salts = json.loads((EVENTS / "digests.json").read_text("utf-8"))
    rows = []
    for position, name in enumerate(NAMES, 1):
        envelope = (EVENTS / f"{name}.1.envelope.json").read_bytes().rstrip(b"\n")
        payload = (EVENTS / f"{name}.1.payload.json").read_text("utf-8").rstrip("\n")
        gone = position == EXPUNGED
        salt = None if gone else salts[f"{name}.1"]["salt"]
        line = {"position": position, "salt": salt, "payload": None if gone else payload}
        rows.append((position, envelope, json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()))
    return rows


def write(root: Path) -> None:
    """Write them below a folder."""
    tails, rows = Tails(root), entries()
    tails.prepare(ARCHIVE, STORE)
    tails.write(
        Span(1, len(rows)),
        (envelope + b"\n" for _, envelope, _ in rows),
        (payload + b"\n" for _, _, payload in rows),
        [json.dumps(COMMAND, separators=(",", ":")).encode() + b"\n"],
    )


if __name__ == "__main__" and not FOLDER.exists():
    write(FOLDER)

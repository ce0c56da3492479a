"""Where an object stands in a storage root, and the files that make a folder one (OCFL 1.1, section 4).

The mapping from id to place is community extension 0003 with SHA-256 and one tuple of three hex digits: at most 4,096
folders in the root, each with objects named by their percent-encoded id. It is stored for ever.
"""

import hashlib
import re

ROOT_DECLARATION = "0=ocfl_1.1"
OBJECT_DECLARATION = "0=ocfl_object_1.1"
LAYOUT = "0003-hash-and-id-n-tuple-storage-layout"
TUPLE_SIZE = 3
LONGEST_NAME = 100
"""Characters of an encoded id that a folder's name may have before it is cut and ends in the id's digest."""

_UNSAFE = re.compile(rb"[^A-Za-z0-9_-]")


def object_path(object_id: str) -> str:
    """Place of an object relative to the storage root: `<three hex digits>/<encoded id>`."""
    digest = hashlib.sha256(object_id.encode()).hexdigest()
    name = _UNSAFE.sub(lambda byte: b"%%%02x" % byte[0][0], object_id.encode()).decode()
    if len(name) > LONGEST_NAME:
        name = f"{name[:LONGEST_NAME]}-{digest}"
    return f"{digest[:TUPLE_SIZE]}/{name}"


def root_files() -> dict[str, bytes]:
    """Every file, by its path, that makes an empty folder a storage root of this layout."""
    description = "Objects lie at the first three hex digits of the SHA-256 of their id, then the id, percent-encoded."
    layout = f'{{\n  "extension": "{LAYOUT}",\n  "description": "{description}"\n}}\n'
    config = (
        f'{{\n  "extensionName": "{LAYOUT}",\n  "digestAlgorithm": "sha256",\n'
        f'  "tupleSize": {TUPLE_SIZE},\n  "numberOfTuples": 1\n}}\n'
    )
    return {
        ROOT_DECLARATION: b"ocfl_1.1\n",
        "ocfl_layout.json": layout.encode(),
        f"extensions/{LAYOUT}/config.json": config.encode(),
    }

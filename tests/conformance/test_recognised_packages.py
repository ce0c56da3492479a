"""Packages made by others: what they are recognised as, and that nothing in them stops anybody."""

import tarfile
from collections import Counter
from pathlib import Path

from packages_spec.foreign import System, recognise
from tests.shared_data import shared_data


def test_every_package_of_the_eark_corpus_is_looked_at_to_the_end(tmp_path: Path) -> None:
    with tarfile.open(shared_data("eark") / "packages.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    found: Counter[System | None] = Counter()
    for mets in tmp_path.rglob("METS.xml"):
        folder = mets.parent
        if folder.parent.name == "representations":
            continue
        names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
        foreign = recognise(names, lambda path, folder=folder: (folder / path).open("rb"), None)  # type: ignore[misc] # binds this turn's folder
        found[None if foreign is None else foreign.system] += 1
        if foreign is not None:
            (item,) = foreign.items
            assert item.content | item.papers == set(names)
            assert not item.content & item.papers
            assert all(name.startswith(item.prefix) for name in item.content)
    assert found[System.EARK_SIP] + found[System.EARK_AIP] + found[System.EARK_DIP] + found[System.RODA_SIP] >= 20

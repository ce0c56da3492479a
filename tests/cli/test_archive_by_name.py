"""An archive is the same archive by whatever name it is called."""

from pathlib import Path

import pytest

from repository.archive import create_archive, open_archive
from tests.real_archives import deliver, take


def test_an_archive_named_by_a_relative_path_takes_deliveries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    deliver(Path("delivery"), {"地契.txt": b"1934"})
    credential = create_archive(
        Path("archive"), codes=("437001",), administrator="林一", name="临溪县档案馆", credential=Path("credential")
    )
    with open_archive(Path("archive"), credential) as session:
        assert take(session, Path("delivery")).outcome == "completed"

"""The README is true: its commands run and print what it shows, its tables are those of the code, its files exist."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
VARIES = (
    (r"[0-9a-f]{64}", "DIGEST"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}", "TIME"),
    (r"/\S*/fixtures", "/…/fixtures"),
    (r"(?<=（含元数据），)[\d.]+ kB", "SIZE"),
    (r" +", " "),
)


def shown() -> list[tuple[str, str]]:
    """Each command of the README, and what it is shown to print."""
    parts = [part.partition("\n") for block in BLOCKS for part in block.split("$ ")[1:]]
    return [(command, printed) for command, _, printed in parts]


def settled(words: str) -> str:
    """The words with what differs from run to run replaced by its name."""
    for pattern, name in VARIES:
        words = re.sub(pattern, name, words)
    return words


def program(folder: Path) -> None:
    """A program of the name `jingui`, as an installation makes one."""
    folder.mkdir()
    path = folder / "jingui"
    path.write_text(f"#!{sys.executable}\nfrom cli.main import run\nrun()\n")
    path.chmod(0o755)


def test_every_command_of_the_working_day_prints_what_is_shown(tmp_path: Path) -> None:
    program(tmp_path / "bin")
    for folder in ("deliveries", "bags"):
        shutil.copytree(ROOT / "fixtures" / folder, tmp_path / "fixtures" / folder)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "JINGUI_LANG": "zh"}
    environment |= {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONIOENCODING": "utf-8"}
    assert len(shown()) >= 12
    for command, printed in shown():
        if command.startswith("export "):
            environment |= dict(each.split("=") for each in command.split()[1:])
            continue
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert settled(done.stdout + done.stderr) == settled(printed), command
        assert done.returncode in (0, 22), command


def test_every_way_to_end_is_in_the_table_of_exits() -> None:
    listed = {int(number) for number in re.findall(r"^\| (\d+) \|", README.partition("## 退出码")[2], re.MULTILINE)}
    raised = {row["exit"] for row in tomllib.loads((ROOT / "repository" / "errors.toml").read_text("utf-8")).values()}
    assert raised <= listed
    assert listed - raised == {0, 1, 21, 130} - raised


def test_every_file_that_is_named_is_there() -> None:
    named = re.findall(r"`((?:tests|repository|packages_spec|cli|fixtures)/[\w/.-]*)`", README)
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_target_of_make_that_is_named_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE)) <= targets

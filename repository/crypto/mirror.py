"""A mirror of the vault (密钥库抄本): wrapped keys beside the packages of another store, and what opens them by shares.

The records are ciphertext to a class key and to the recovery key; readers' keys are wrapped under the vault's master
key, which stands beside them in `master.age`, an age file to the recovery key. So the shares alone open everything.
What is in the archive's vault no more is removed here only when `forget` is called: a vault that was lost must not take
its mirror along.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path

from repository.crypto.age import SealingWriter, X25519Identity, open_sealed, parse_recipient
from repository.crypto.durable import destroy_durably, replace_all_durably, sync_names
from repository.crypto.master import read_master

MASTER, WRAPPED_TO = "master.age", "master.wrapped-to"
AT_ONCE = 500


def mirror(vault: Path, place: Path) -> int:
    """Bring every new or changed file of the vault over, durable when this returns; how many.

    A folder is looked into only when its names changed since, which is when its time did: records are replaced whole.
    """
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    copied = 0
    for folder, names in _folders(vault):
        target = place / folder.relative_to(vault)
        changed = folder.stat().st_mtime_ns
        if target.is_dir() and folder != vault and target.stat().st_mtime_ns == changed:
            continue
        target.mkdir(exist_ok=True, mode=0o700)
        new = [name for name in names if _differs(folder / name, target / name)]
        for start in range(0, len(new), AT_ONCE):
            batch = [(target / name, (folder / name)) for name in new[start : start + AT_ONCE]]
            replace_all_durably([(there, here.read_bytes()) for there, here in batch if here.exists()])
            for there, here in batch:
                if here.exists():
                    os.utime(there, ns=(there.stat().st_atime_ns, here.stat().st_mtime_ns))
        copied += len(new)
        if folder != vault:
            os.utime(target, ns=(changed, changed))
        sync_names(target.parent)
    return copied


def forget(vault: Path, place: Path) -> int:
    """Destroy in the mirror what was destroyed in the vault; how many. A vault without its mark is not followed."""
    if not place.is_dir() or ((place / "vault.json").exists() and not (vault / "vault.json").exists()):
        return 0
    gone = [
        path
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name not in {MASTER, WRAPPED_TO} and not (vault / path.relative_to(place)).exists()
    ]
    for path in gone:
        destroy_durably(path)
    return len(gone)


def keep_master(master_file: Path, recovery: str, place: Path) -> bool:
    """Wrap the vault's master key to the recovery key, where it is not so yet; whether anything was written.

    A machine that has no master key has none to wrap.
    """
    if not master_file.exists():
        return False
    master = read_master(master_file)
    now = f"{master.identity} {recovery}\n".encode("ascii")
    mark = place / WRAPPED_TO
    if mark.exists() and mark.read_bytes() == now and (place / MASTER).exists():
        return False
    made = io.BytesIO()
    writer = SealingWriter(made, (parse_recipient(recovery),), None)
    writer.write(master_file.read_bytes())
    writer.finish()
    replace_all_durably([(place / MASTER, made.getvalue())])
    replace_all_durably([(mark, now)])
    return True


def open_master(place: Path, recovery: X25519Identity) -> bytes | None:
    """The bytes of the master key's file, by the recovery key; null where none is kept. `sealed-no-match`."""
    path = place / MASTER
    if not path.exists():
        return None
    with open_sealed(io.BytesIO(path.read_bytes()), recovery, None, name=str(path)) as reader:
        return bytes(reader.read_at(0, reader.size))


def _differs(here: Path, there: Path) -> bool:
    try:
        old = there.stat()
    except FileNotFoundError:
        return True
    new = here.stat()
    return (old.st_size, old.st_mtime_ns) != (new.st_size, new.st_mtime_ns)


def _folders(vault: Path) -> Iterator[tuple[Path, list[str]]]:
    for folder, inner, names in os.walk(vault):
        inner.sort()
        yield Path(folder), sorted(name for name in names if not name.startswith("."))

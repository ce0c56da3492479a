"""Archives with a ring of keys: a recovery key in three shares, a class of records, and the people who keep them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from repository.archive import open_archive
from repository.crypto import Cost
from repository.crypto.age import PackageIdentity, X25519Identity
from repository.services.administration import Role
from repository.services.key_ring import KeyPurpose, Shares, create_key, wrapping_for
from repository.services.session import Session
from tests.real_archives import Site, new_site

CLASS, OTHER = "控制", "机密"
CHEAP = Cost(iterations=1, lanes=1, memory=8)
WORDS = "planted-passphrase-石室金匮-8231"
PEOPLE: dict[str, tuple[Role, ...]] = {
    "officer": (Role.SECURITY_OFFICER,),
    "second-officer": (Role.SECURITY_OFFICER,),
    "decider": (Role.DECIDER,),
    "archivist": (Role.ARCHIVIST,),
}


class Ring(msgspec.Struct, frozen=True):
    """A site with its ring, the ids of its people, and where shares and passphrase lie."""

    site: Site
    people: dict[str, UUID]
    shares: Path
    words: Path
    keys: Path

    @contextmanager
    def open(self, name: str) -> Iterator[Session]:
        """Open the archive as a person."""
        credential = self.site.credential if name == "administrator" else self.credential(name)
        with open_archive(self.site.folder, credential) as session:
            yield session

    def credential(self, name: str) -> Path:
        """A person's credential."""
        return self.site.folder.parent / f"{name}.credential"

    def share_files(self, version: int = 1) -> list[Path]:
        """The shares of a version of the recovery key."""
        return sorted(self.shares.glob(f"recovery-{version}.*.share"))

    @property
    def holders(self) -> list[UUID]:
        """Who holds shares."""
        return [self.people[name] for name in ("officer", "second-officer", "decider")]


def new_ring(place: Path, *, settings: str = "") -> Ring:
    """A new archive with a recovery key (two of three shares) and two classes."""
    site = new_site(place)
    words = place / "words"
    words.write_text(f"{WORDS}\n", "utf-8")
    words.chmod(0o600)
    keys = place / "keys"
    with (site.folder / "jingui.toml").open("a", encoding="utf-8") as file:
        file.write(f'key_folder = "{keys}"\nkey_passphrase = "{words}"\nvault_key = "{place / "master"}"\n{settings}')
    with site.open() as session:
        people = {name: site.person(session, name, *roles)[0] for name, roles in PEOPLE.items()}
        people["administrator"] = session.actor.agent
    ring = Ring(site, people, place / "shares", words, keys)
    with pytest.MonkeyPatch.context() as patch, ring.open("officer") as session:
        patch.setattr("repository.archive.Cost", lambda: CHEAP)  # the first keys open at once; what is made later costs
        create_key(session, "recovery", KeyPurpose.RECOVERY, ring.holders, Shares(threshold=2, folder=ring.shares))
        for name in (CLASS, OTHER):
            create_key(session, name, KeyPurpose.CLASS, [people["officer"]], None)
    return ring


def new_records(session: Session, count: int, name: str = CLASS, suite: str = "age-v1") -> dict[UUID, PackageIdentity]:
    """Records of packages that are nowhere else."""
    wrapping = wrapping_for(session, name)
    packages = [uuid4() for _ in range(count)]
    return {package: session.package_keys.create(package, 1, wrapping, suite) for package in packages}


def class_secret(session: Session, version: int = 1, name: str = CLASS) -> X25519Identity:
    """The secret of a version of a class key."""
    key = wrapping_for(session, name).class_key.of
    return session.key_store.identity(msgspec.structs.replace(key, version=version))

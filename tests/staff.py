"""An archive with its people at work: each with a credential of their own, on the command line or in a session."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from repository.archive import open_archive
from repository.services.administration import Role
from repository.services.session import Session
from tests.command_line import Said, jingui
from tests.real_archives import LAND_DEEDS, Site, new_site, take

PEOPLE: dict[str, tuple[Role, ...]] = {
    "desk": (Role.DESK,),
    "other-desk": (Role.DESK,),
    "reviewer": (Role.REVIEWER,),
    "second-reviewer": (Role.REVIEWER,),
    "decider": (Role.DECIDER,),
    "other-decider": (Role.DECIDER,),
    "archivist": (Role.ARCHIVIST,),
    "auditor": (Role.AUDITOR,),
    "stranger": (Role.READER,),
    "partner": (Role.PARTNER,),
}

READER = {
    "name": "欧阳查档",
    "document": "identity-card",
    "number": "430102193001011234",
    "contact": "13900001111",
    "capacity": "heir",
    "proofs": ["proof-of-kinship"],
    "represented": "欧阳故人",
    "purpose": "family",
    "detail": "为欧阳家补办过户",
    "reply_by": "2027-01-15",
}
PLANTED = ("欧阳查档", "430102193001011234", "13900001111", "欧阳故人", "补办过户")
"""Words about a reader that must never be found in plain."""


class Staff(msgspec.Struct, frozen=True):
    """A site, the ids of its people, and the place of the vault's master key."""

    site: Site
    people: dict[str, UUID]
    master: Path

    def credential(self, name: str) -> Path:
        """A person's credential."""
        return self.site.credential if name == "administrator" else self.site.folder.parent / f"{name}.credential"

    @contextmanager
    def open(self, name: str, *, on_behalf_of: str | None = None) -> Iterator[Session]:
        """Open the archive as a person, or as that person in another's name."""
        principal = self.people[on_behalf_of] if on_behalf_of else None
        with open_archive(self.site.folder, self.credential(name), on_behalf_of=principal) as session:
            yield session

    def run(self, name: str, *arguments: object) -> Said:
        """Run the command line as a person."""
        variables = {"JINGUI_CREDENTIAL": str(self.credential(name)), "JINGUI_VAULT_KEY": str(self.master)}
        return jingui(*arguments, site=self.site, variables=variables)

    def ask(self, name: str, *arguments: object) -> Any:
        """Run the command line as a person, who succeeds, and read the answer."""
        said = self.run(name, *arguments, "--json")
        assert said.status == 0, said
        return said.json()

    def form(self, **fields: object) -> Path:
        """A form that a reader filled in."""
        path = self.site.folder.parent / f"form-{len(list(self.site.folder.parent.iterdir()))}.json"
        path.write_bytes(msgspec.json.encode(READER | fields))
        return path


def new_staff(place: Path) -> Staff:
    """A new archive with the land deeds, an internal record, and everybody at work. Its master key is named in it."""
    site = new_site(place)
    master = place / "keys" / "master.vault-key"
    with (site.folder / "jingui.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'vault_key = "{master}"\n')
    internal = place / "internal"
    (internal / "N-1").mkdir(parents=True)
    (internal / "N-1" / "N-1-001.txt").write_text("内部报告", "utf-8")
    (internal / "catalogue.csv").write_text(
        "档号,题名,责任者,日期,密级,保管期限,页数,文件\nN-1,石桥村内部地契调查,县政府,19620301,内部,永久,1,N-1\n",
        "utf-8",
    )
    with site.open() as session:
        take(session, LAND_DEEDS)
        assert take(session, internal).outcome == "completed"
        people = {name: site.person(session, name, *roles)[0] for name, roles in PEOPLE.items()}
        people["administrator"] = session.actor.agent
    return Staff(site, people, master)

"""Settings (设置) of an archive: the file `jingui.toml`, overruled by the environment, overruled by flags.

`jingui.toml` says what the archive is; it holds no secret. Each field below is a key of that file and, in upper case
after `JINGUI_`, a variable of the environment.
"""

import os
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec

from repository.domain.key_ring import KeptBy
from repository.domain.values import SecrecyClass
from repository.errors import ArchiveError

FILE = "jingui.toml"


class Acceptance(StrEnum):
    """Who decides that a valid delivery passes into custody."""

    AUTOMATIC = "automatic"
    PERSON = "person"
    TWO_PERSONS = "two-persons"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a site decides. `id` is this installation's, for good.

    `archives` are the codes (档案馆代码) of the archives that it keeps, the first one the default.
    """

    schema: int = 1
    id: UUID
    archives: tuple[str, ...]
    secrecy_ceiling: SecrecyClass = SecrecyClass.INTERNAL
    seal_from: SecrecyClass | None = None
    identify_formats: bool = True
    characterise: bool = True
    format_policy: str | None = None
    virus_scanner: str | None = None
    quality: bool = True
    quality_profile: str | None = None
    quality_one_format: bool = False
    quality_sample: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    acceptance: Acceptance = Acceptance.AUTOMATIC
    sync: bool = True
    workplace: str | None = None
    fixity_age_days: Annotated[int, msgspec.Meta(ge=1)] = 365
    fixity_daily_bytes: Annotated[int, msgspec.Meta(ge=1)] = 500_000_000_000
    yearly_statistics: bool = True
    outgoing_days: Annotated[int, msgspec.Meta(ge=1)] = 7
    repack_daily: Annotated[int, msgspec.Meta(ge=0)] = 1_000
    vault_key: str | None = None
    key_folder: str | None = None
    key_kept_by: KeptBy = KeptBy.PASSPHRASE
    key_passphrase: str | None = None
    token_module: str | None = None
    token_label: str = "jingui"  # noqa: S105 - a label, and no password
    log_key: str | None = None
    checkpoint_seconds: Annotated[int, msgspec.Meta(ge=1)] = 30
    stores: tuple[str, ...] = ()
    tail_seconds: Annotated[int, msgspec.Meta(ge=1)] = 30


def personal_folder() -> Path:
    """Where a person's own files lie: credentials, and the vault's master key unless the settings name its place."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return home / "jingui"


def vault_key_file(settings: Settings) -> Path:
    """Where the vault's master key lies: `vault_key` of the settings, else this archive's file beside credentials."""
    return Path(settings.vault_key) if settings.vault_key else personal_folder() / f"{settings.id}.vault-key"


def key_folder(settings: Settings) -> Path:
    """Where class keys lie: `key_folder` of the settings, else this archive's folder beside the master key."""
    return Path(settings.key_folder) if settings.key_folder else personal_folder() / f"{settings.id}.keys"


def log_key_file(settings: Settings) -> Path:
    """Where the key lies that signs the log: `log_key` of the settings, else this archive's file beside credentials."""
    return Path(settings.log_key) if settings.log_key else personal_folder() / f"{settings.id}.log-key"


def find_archive(start: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Folder of the archive: `JINGUI_ARCHIVE`, else the nearest folder from `start` upwards that is one."""
    if named := environment.get("JINGUI_ARCHIVE"):
        return _with_file(Path(named))
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / FILE).is_file():
            return folder
    raise ArchiveError("no-archive", start)


def read_settings(archive: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the settings. A key that is not known, or a value that does not fit, is an error."""
    path = _with_file(archive) / FILE
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        overruled = {
            name: _value(name, environment[f"JINGUI_{name.upper()}"])
            for name in Settings.__struct_fields__
            if f"JINGUI_{name.upper()}" in environment
        }
        return msgspec.convert(table | overruled, Settings, strict=False)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ArchiveError("settings-invalid", path, reason=error) from error


def write_settings(archive: Path, settings: Settings) -> None:
    """Write `jingui.toml` for a new archive: every setting with what it means, what is not decided commented out."""
    codes = ", ".join(f'"{code}"' for code in settings.archives)
    decided = {
        "schema": str(settings.schema),
        "id": f'"{settings.id}"',
        "archives": f"[{codes}]",
        "secrecy_ceiling": f'"{settings.secrecy_ceiling}"',
    }
    lines = ["# 金匮 Jingui: settings of this archive. 本馆设置。"]
    for name, words in meanings().items():
        lines += [
            "",
            f"# {words['zh']}",
            f"# {words['en']}",
            f"{name} = {decided[name]}" if name in decided else f"# {name} =",
        ]
    (archive / FILE).write_text("\n".join([*lines, ""]), "utf-8")


@cache
def meanings() -> dict[str, dict[str, str]]:
    """What each setting means, in `zh` and `en`, in the order of the fields."""
    return tomllib.loads(files("repository").joinpath("settings.toml").read_text("utf-8"))


def _with_file(archive: Path) -> Path:
    if not (archive / FILE).is_file():
        raise ArchiveError("no-archive", archive)
    return archive


def _value(name: str, text: str) -> object:
    return text.split(",") if name in {"archives", "stores"} else text

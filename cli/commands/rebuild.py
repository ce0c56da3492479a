"""`jingui rebuild`: make the catalogue anew from the log."""

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, progress, say
from repository.archive import open_archive
from repository.services.audit import rebuild


def command(
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Make it anew beside the live one, then swap."""
    with open_archive(archive, credential, to_rebuild=True) as session, progress(as_json=as_json) as show:
        position = rebuild(session, show)
    if as_json:
        emit_json({"schema": "jingui.rebuild/1", "position": position})
    else:
        say(text("rebuild.done", position=position))

"""`jingui replay`: fold the log anew and compare with the live catalogue."""

from cli.language import text
from cli.options import Archive, AsOf, Credential, Json, Lang
from cli.render import emit_json, progress, say
from repository.archive import open_archive
from repository.services.audit import replay

TAMPERED = 23


def command(
    as_of: AsOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    """Replay; 23 when the live catalogue is not what the log gives."""
    with open_archive(archive, credential) as session, progress(as_json=as_json) as show:
        report = replay(session, as_of, show)
    if as_json:
        emit_json(report)
    else:
        key = "replay.same" if report.same else "replay.differs"
        say(text(key, events=report.position, live=report.live_sha256, replayed=report.replayed_sha256))
    return 0 if report.same else TAMPERED

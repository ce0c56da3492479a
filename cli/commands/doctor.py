"""`jingui doctor`: is the house in order, and what is to be done where it is not?"""

from collections import Counter

from cli.language import language, text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, say
from repository.archive import examine_archive


def command(
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    """Make the round; the exit is that of the first thing that failed."""
    report = examine_archive(archive, credential)
    if as_json:
        emit_json(report)
        return report.exit
    chinese = language() == "zh"
    for line in report.lines:
        state = text(f"doctor.{line.state.replace(' ', '-')}")
        say(text("doctor.line", state=state, words=line.zh if chinese else line.en))
        if line.hint_zh:
            say(f"    {text('error.hint', hint=line.hint_zh if chinese else line.hint_en)}")
    states = Counter(line.state for line in report.lines)
    say(
        text(
            "doctor.summary",
            ok=states["ok"],
            attention=states["attention"],
            failed=states["failed"],
            unchecked=states["not checked"],
        )
    )
    return report.exit

"""The first page of an evidence pack, which a judge can read, and the words for whoever verifies it."""

from collections.abc import Iterable, Iterator
from html import escape
from typing import NamedTuple


class Row(NamedTuple):
    """One event on the page."""

    position: int
    time: str
    zh: str
    en: str
    actor: str
    stream: str


_STYLE = (
    "body{font-family:serif;max-width:60em;margin:2em auto;line-height:1.6}table{border-collapse:collapse;width:100%}"
    "td,th{border:1px solid #999;padding:.2em .5em;text-align:left;vertical-align:top}code{word-break:break-all}"
    "@media print{body{margin:0}}"
)


def first_page(
    *, origin: str, scope: str, events: int, checkpoint: tuple[int, str], made: str, rows: Iterable[Row]
) -> Iterator[str]:
    """The page, in parts. It needs nothing from anywhere, and can be printed."""
    size, root = checkpoint
    facts = (
        ("日志 log", origin),
        ("范围 scope", scope),
        ("事件数 events", str(events)),
        ("检查点所及事件数 events under the checkpoint", str(size)),
        ("检查点的根 root", root),
        ("制作时间 made", made),
    )
    yield (
        '<!DOCTYPE html>\n<html lang="zh"><head><meta charset="utf-8"><title>档案事件凭证 Evidence</title>'
        f"<style>{_STYLE}</style></head><body>\n<h1>档案事件凭证</h1>\n<p>Evidence of events in an archive</p>\n"
        "<table>\n"
    )
    for name, value in facts:
        yield f"<tr><th>{escape(name)}</th><td><code>{escape(value)}</code></td></tr>\n"
    yield f"</table>\n{_EXPLAINED}<h2>事件 Events</h2>\n<table>\n<tr>{_HEADER}</tr>\n"
    shown = 0
    for row in rows:
        shown += 1
        cells = (row.position, row.time, f"{row.zh} {row.en}", row.actor, row.stream)
        yield f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in cells)}</tr>\n"
    yield "</table>\n"
    if shown < events:
        yield (
            f"<p>此处列出前 {shown} 个，全部在 <code>events.ndjson</code> 与 <code>events.sqlite</code>。"
            f"The first {shown} are shown; all are in these two files.</p>\n"
        )
    yield "</body></html>\n"


_HEADER = "".join(f"<th>{name}</th>" for name in ("位置 position", "时间 time", "事件 event", "经办 by", "对象 of"))

_EXPLAINED = """<h2>这份凭证说明什么</h2>
<p>下列每个事件都记在档案馆的事件日志里，自检查点签出之后没有被改动、删去、插入或调换。
检查点是全部事件的一个摘要，由档案馆的密钥签名；只要有人在档案馆之外留有检查点（见证人的签名在
<code>witnessed</code>），档案馆自己也改不了它所及的历史。</p>
<h2>怎样核验</h2>
<p>在任何装有 Python 3 的机器上运行 <code>python3 verify.py --log-key 公钥</code>。
公钥应由可信的途径取得，不应只用本包所附的一把。
显示“属实”即为核验通过；任何一个字节被改动，都会显示“不实”和原因。其它程序也能核验：见 <code>README.txt</code>。</p>
<h2>不说明什么</h2>
<p>凭证证明日志记了什么、何时由谁记下，不证明所记的事情本身为真，也不说明检查点之后发生了什么。
依法清除的内容只留下事件，不留下文字；密封的文字仍是密封的。</p>
<h2>In English</h2>
<p>Each event below stands in the archive's log and was not changed, left out, put in or moved since the checkpoint was
signed. Run <code>python3 verify.py --log-key KEY</code>, with a key had from somebody you trust. This proves what was
recorded, when and by whom: not that what was recorded is true, and nothing about what came after the checkpoint.</p>
"""


def readme() -> str:
    """What lies in the pack, and how to verify it with other people's programs."""
    return """凭证包 Evidence pack

index.html        首页，供阅读 the first page, for reading
events.ndjson     所选事件的信封，每行一个，逐字节如日志所存 envelopes, one a line, byte for byte as stored
payloads.ndjson   其内容：{"position", "salt", "payload"}；依法清除的为 null their payloads; null where expunged
proofs.ndjson     每个事件的包含证明（RFC 9162 2.1.3） inclusion proofs; 包内是全部事件时没有 none where all are here
commands.ndjson   包内是全部事件时，各命令所占的位置 where all events are here, the positions that each command took
checkpoint        日志的检查点 the log's checkpoint (C2SP tlog-checkpoint, signed-note)
witnessed/        见证人签过的检查点（C2SP tlog-cosignature） checkpoints cosigned by witnesses
                  及它与本包检查点的一致性证明（.path，RFC 9162 2.1.4） with consistency proofs up to the pack's own
keys/             公钥；应另由可信的途径取得 public keys, to be had from somebody trusted as well
events.sqlite     同样的事件，供查询：datasette events.sqlite the same events, for questions
schemas/          信封的 JSON Schema of an envelope
verify.py         核验程序，只需 Python 标准库 the verifier, in Python's standard library alone
../pack.note      日志的密钥对清单的签名 the log key's signature of the manifests

叶 leaf = SHA-256(0x00 || 信封 envelope)；序号 index = position - 1
payload_sha256 = SHA-256(盐 salt || 内容 payload)

python3 verify.py --log-key 公钥 KEY [--witness-key 见证人公钥 KEY]
sha256sum -c manifest-sha256.txt        在上一级文件夹 in the folder above
tlog-proof: c2sp.org/tlog-proof@v1，index，路径各行，空行，checkpoint。
That mark, the index, the path's lines, an empty line, the checkpoint; Go's golang.org/x/mod/sumdb verifies it.
"""

#!/usr/bin/env python3
"""核验一个凭证包，只需要 Python 标准库。Verify an evidence pack with nothing but Python's standard library.

    python3 verify.py [包 PACK] [--log-key 日志公钥 KEY] [--witness-key 见证人公钥 KEY]...

逐项核对：包是一个完整的 BagIt 包；清单由日志的密钥签名；每个事件的信封在检查点的哈希树之内（RFC 9162）；
每个内容与信封相符；检查点由日志签名，由所给的见证人共同签名。
不给 --log-key 时用包内的公钥，只能证明包与它自己一致。
Checked: the bag is whole; its manifests are signed by the log's key; every event's envelope is in the checkpoint's
tree; every payload is its envelope's; the checkpoint is signed by the log, and by the witnesses whose keys are given.
Without --log-key the key inside the pack is used, which proves no more than that the pack agrees with itself.

退出码 exit: 0 属实 true; 1 不实 false; 2 用法 usage.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

FIELD = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, FIELD) % FIELD
ROOT_OF_MINUS_ONE = pow(2, (FIELD - 1) // 4, FIELD)
HASH = 32
LOG, WITNESS = 1, 4
MANIFEST, TAG_MANIFEST, SIGNATURE = "manifest-sha256.txt", "tagmanifest-sha256.txt", "pack.note"
SIGNED = ("bag-info.txt", "bagit.txt", MANIFEST)

Point = tuple[int, int, int, int]


class FalseError(Exception):
    """Something in the pack is not true."""


def expect(holds: object, zh: str, en: str) -> None:
    """Stop where something does not hold."""
    if not holds:
        raise FalseError(f"{zh} {en}")


# Ed25519 (RFC 8032 5.1), verification only: no secret is at stake, so speed and timing do not matter.


def add(one: Point, other: Point) -> Point:
    """Sum of two points in extended coordinates."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % FIELD
    b = (one[1] + one[0]) * (other[1] + other[0]) % FIELD
    c = 2 * one[3] * other[3] * CURVE % FIELD
    d = 2 * one[2] * other[2] % FIELD
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % FIELD, g * h % FIELD, f * g % FIELD, e * h % FIELD


def multiply(factor: int, point: Point) -> Point:
    """A point as often as the factor says."""
    total: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            total = add(total, point)
        point = add(point, point)
        factor >>= 1
    return total


def same(one: Point, other: Point) -> bool:
    """Whether both are the same point."""
    return (one[0] * other[2] - other[0] * one[2]) % FIELD == 0 and (one[1] * other[2] - other[1] * one[2]) % FIELD == 0


def unpacked(data: bytes) -> Point | None:
    """The point that these 32 bytes stand for."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= FIELD:
        return None
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, FIELD) % FIELD
    x = pow(square, (FIELD + 3) // 8, FIELD)
    if (x * x - square) % FIELD:
        x = x * ROOT_OF_MINUS_ONE % FIELD
    if (x * x - square) % FIELD or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = FIELD - x
    return x, y, 1, x * y % FIELD


BASE = unpacked((4 * pow(5, -1, FIELD) % FIELD).to_bytes(HASH, "little"))


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the key made this signature of this message."""
    if len(key) != HASH or len(signature) != 2 * HASH:
        return False
    public, first = unpacked(key), unpacked(signature[:HASH])
    factor = int.from_bytes(signature[HASH:], "little")
    if public is None or first is None or BASE is None or factor >= ORDER:
        return False
    digest = hashlib.sha512(signature[:HASH] + key + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    return same(multiply(factor, BASE), add(first, multiply(challenge, public)))


# Notes (C2SP signed-note, tlog-cosignature) and the tree (RFC 9162 2.1).


def read_key(text: str) -> tuple[str, bytes, int, bytes]:
    """Name, key id, algorithm and key of a published key."""
    name, key_id, data = text.strip().split("+", 2)
    raw = base64.b64decode(data, validate=True)
    expected = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    expect(bytes.fromhex(key_id) == expected and len(raw) == 1 + HASH, "公钥有误", "the public key is malformed")
    return name, expected, raw[0], raw[1:]


def open_note(data: bytes, key: tuple[str, bytes, int, bytes]) -> str:
    """The text of a note that this key signed."""
    text, gap, lines = data.decode("utf-8").rpartition("\n\n")
    text += "\n"
    name, key_id, algorithm, material = key
    found = False
    for line in lines.splitlines():
        signer, _, words = line.removeprefix("— ").partition(" ")
        raw = base64.b64decode(words, validate=True)
        if (signer, raw[:4]) != (name, key_id):
            continue
        message, signature = text.encode(), raw[4:]
        if algorithm == WITNESS:
            seconds = int.from_bytes(signature[:8], "big")
            message, signature = f"cosignature/v1\ntime {seconds}\n{text}".encode(), signature[8:]
        expect(is_signed(material, message, signature), "签名不符", f"the signature is false: {name}")
        found = True
    expect(gap and found, "缺少签名", f"a signature is missing: {name}")
    return text


def node(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def is_included(index: int, size: int, leaf: bytes, path: list[bytes], root: bytes) -> bool:
    """Whether the path leads from the leaf to the root (2.1.3.2)."""
    at, last = index, size - 1
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            leaf = node(sibling, leaf)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            leaf = node(leaf, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and leaf == root


def is_continued(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> bool:
    """Whether the path shows that the tree of `new` leaves continues the one of `old` (2.1.4.2)."""
    if old == new:
        return old_root == new_root and not path
    if not 0 < old < new or not path:
        return False
    steps = [old_root, *path] if old & (old - 1) == 0 else path
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    was = now = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            was, now = node(sibling, was), node(sibling, now)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            now = node(now, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and was == old_root and now == new_root


class Tree:
    """The root over all leaves, for a pack that has all of them."""

    def __init__(self) -> None:
        self.size, self.roots = 0, []  # type: int, list[bytes]

    def append(self, leaf: bytes) -> None:
        """Add a leaf."""
        size = self.size
        while size & 1:
            leaf, size = node(self.roots.pop(), leaf), size >> 1
        self.roots.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root."""
        root = self.roots[-1] if self.roots else hashlib.sha256(b"").digest()
        for left in reversed(self.roots[:-1]):
            root = node(left, root)
        return root


# The pack.


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while part := stream.read(1 << 20):
            found.update(part)
    return found.hexdigest()


def listed(pack: Path, name: str) -> dict[str, str]:
    """The digests that a manifest gives, by path."""
    lines = (pack / name).read_text("utf-8").splitlines()
    return {path: found for found, _, path in (line.partition("  ") for line in lines)}


def check_bag(pack: Path) -> None:
    """Every file is listed and is what the list says, and nothing else is there."""
    payload, tags = listed(pack, MANIFEST), listed(pack, TAG_MANIFEST)
    there = {str(path.relative_to(pack)) for path in pack.rglob("*") if path.is_file() or path.is_symlink()}
    wanted = payload.keys() | tags.keys() | {TAG_MANIFEST}
    expect(there == wanted, "多出或缺少文件", f"files too many or missing: {sorted(there ^ wanted)}")
    expect({*SIGNED, SIGNATURE} == tags.keys(), "标签清单不全", "the tag manifest is not whole")
    for path, expected in {**payload, **tags}.items():
        place = pack / path
        expect(not place.is_symlink() and digest(place) == expected, "文件被改动", f"a file was changed: {path}")


def check_signature(pack: Path, key: tuple[str, bytes, int, bytes]) -> None:
    """The log's key signed what the pack consists of."""
    text = open_note((pack / SIGNATURE).read_bytes(), key)
    lines = "".join(f"{digest(pack / name)}  {name}\n" for name in SIGNED)
    expect(text == f"jingui.evidence-pack/1\n{lines}", "清单不是所签的那一份", "the manifests are not those signed")


def lines_of(path: Path) -> Iterator[bytes]:
    """Lines of a file, without their ends."""
    with path.open("rb") as stream:
        for line in stream:
            expect(line.endswith(b"\n"), "文件不全", f"the file is cut short: {path.name}")
            yield line[:-1]


def check_events(data: Path, size: int, root: bytes) -> tuple[int, int]:
    """Every envelope is in the tree, every payload its envelope's. How many, and how many payloads were expunged."""
    about = json.loads((data / "pack.json").read_text("utf-8"))
    tree, before, count, expunged = Tree(), 0, 0, 0
    proofs = iter(()) if about["complete"] else lines_of(data / "proofs.ndjson")
    payloads = lines_of(data / "payloads.ndjson")
    for raw in lines_of(data / "events.ndjson"):
        envelope = json.loads(raw)
        position, leaf = envelope["position"], hashlib.sha256(b"\x00" + raw).digest()
        expect(before < position <= size, "事件次序有误", f"an event out of order: {position}")
        if about["complete"]:
            expect(position == before + 1, "缺少事件", f"an event is missing: {before + 1}")
            tree.append(leaf)
        else:
            proof = json.loads(next(proofs, b"{}"))
            path = [base64.b64decode(one, validate=True) for one in proof.get("path", ())]
            proven = proof.get("position") == position and is_included(position - 1, size, leaf, path, root)
            expect(proven, "事件不在哈希树之内", f"the event is not in the tree: {position}")
        payload = json.loads(next(payloads, b"{}"))
        expect(payload.get("position") == position, "缺少内容", f"a payload is missing: {position}")
        if payload["salt"] is None:
            expunged += 1
        else:
            found = hashlib.sha256(bytes.fromhex(payload["salt"]) + payload["payload"].encode()).hexdigest()
            expect(found == envelope["payload_sha256"], "内容与信封不符", f"the payload was changed: {position}")
        before, count = position, count + 1
    expect(next(payloads, None) is None and next(proofs, None) is None, "多出内容", "lines without an event")
    expect(count == about["events"], "事件数不符", "another number of events")
    expect(not about["complete"] or (count == size and tree.root() == root), "树根不符", "the root is another")
    return count, expunged


def check_witness(
    data: Path, key: tuple[str, bytes, int, bytes], origin: str, size: int, root: bytes
) -> tuple[str, int]:
    """The witness signed a checkpoint that the pack's own continues. Its name, and how many events it covers."""
    for path in sorted((data / "witnessed").glob("*.path")):
        note = path.with_suffix("").read_bytes()
        if f"\n— {key[0]} ".encode() in note:
            name, number, was, *_ = open_note(note, key).split("\n")
            steps = [base64.b64decode(line, validate=True) for line in lines_of(path)]
            old = base64.b64decode(was, validate=True)
            continued = is_continued(int(number), size, old, root, steps)
            expect(name == origin and continued, "见证的不是这段历史", "another history was witnessed")
            return key[0], int(number)
    raise FalseError(f"没有这位见证人的签名 this witness signed nothing here: {key[0]}")


def verify(pack: Path, log_key: str | None, witness_keys: list[str]) -> str:
    """The whole verification. Raises FalseError."""
    data = pack / "data"
    check_bag(pack)
    key = read_key(log_key or (data / "keys" / "log.vkey").read_text("utf-8"))
    check_signature(pack, key)
    signed = (data / "checkpoint").read_bytes()
    origin, number, root, *_ = open_note(signed, key).split("\n")
    expect(origin == key[0] and key[2] == LOG, "检查点不属于这个日志", "the checkpoint is of another log")
    size, top = int(number), base64.b64decode(root, validate=True)
    witnessed = [check_witness(data, read_key(words), origin, size, top) for words in witness_keys]
    count, expunged = check_events(data, size, top)
    seen = "".join(f"见证人所证 witnessed by {name}: {reach}\n" for name, reach in witnessed)
    return (
        f"属实：事件 {count} 个，均在检查点（前 {number} 个事件）之内；依法清除内容 {expunged} 个\n"
        f"True: {count} event(s), all under the checkpoint over {number}; {expunged} payload(s) expunged\n"
        f"{seen}{origin}"
    )


def main() -> int:
    """Verify the pack that this program lies in, or another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", nargs="?", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--log-key")
    parser.add_argument("--witness-key", action="append", default=[])
    given = parser.parse_args()
    try:
        print(verify(given.pack, given.log_key, given.witness_key))
    except (FalseError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"不实 FALSE: {error}")
        return 1
    if given.log_key is None:
        print("所用公钥是包内的：请由可信的途径取得公钥，用 --log-key 再核一次")
        print("The key used lies in the pack: have it from somebody you trust, and verify again with --log-key")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Sealing beside the public programs and beside its own primitives, on the same 512 MiB. CPU, not wall."""

import os
import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from repository.crypto.age import Context, X25519Identity, encrypt, open_sealed, writing
from repository.crypto.age.writing import CHUNK

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]

MIB = 1024 * 1024
SIZE = 512 * MIB
PLACE = Context(package=UUID(int=1), path="data/0001.tif.age")
KEY = X25519Identity(bytes(range(32)))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Half a GiB that does not compress, in the page cache."""
    path = tmp_path_factory.mktemp("sealing") / "plain"
    with path.open("wb") as file:
        for _ in range(SIZE // MIB):
            file.write(os.urandom(MIB))
    yield path
    path.unlink()


def own_cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    before = time.process_time()
    work()
    return time.process_time() - before


def their_cpu(*command: str) -> float:
    """CPU seconds of a program."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def seal(page: Path) -> None:
    with page.open("rb", buffering=0) as source, Path(os.devnull).open("wb", buffering=0) as sink:
        encrypt(source, sink, [KEY.recipient], PLACE)


def median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(5))


def test_sealing_alone_takes_less_than_the_age_program(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same work: `age` makes no digests, so ours are left out of the comparison, and stated beside it."""
    age = shutil.which("age") or pytest.skip("the program `age` is not installed")
    whole = median(lambda: own_cpu(lambda: seal(page)))
    monkeypatch.setattr(writing._Digests, "update", lambda self, data: None)
    ours = median(lambda: own_cpu(lambda: seal(page)))
    theirs = median(lambda: their_cpu(age, "-r", str(KEY.recipient), "-o", os.devnull, str(page)))
    print(f"\nsealing {ours:.3f} s, with both digests {whole:.3f} s; age {theirs:.3f} s: {ours / theirs:.2f}x")
    assert ours < theirs


def test_sealing_with_both_digests_takes_less_than_age_and_two_sums(page: Path) -> None:
    age = shutil.which("age") or pytest.skip("the program `age` is not installed")
    ours = median(lambda: own_cpu(lambda: seal(page)))
    sums = 2 * median(lambda: their_cpu("sha256sum", str(page)))
    theirs = sums + median(lambda: their_cpu(age, "-r", str(KEY.recipient), "-o", os.devnull, str(page)))
    print(f"\nsealing with digests {ours:.3f} s; age and two sha256sum {theirs:.3f} s: {ours / theirs:.2f}x")
    assert ours < theirs


def test_sealing_takes_at_most_a_third_of_gpg(page: Path, tmp_path: Path) -> None:
    gpg = shutil.which("gpg") or pytest.skip("gpg is not installed")
    words = tmp_path / "words"
    words.write_text("words")
    (tmp_path / "home").mkdir(mode=0o700)
    options = ["--homedir", str(tmp_path / "home"), "--batch", "--yes", "--pinentry-mode", "loopback"]
    command = [gpg, *options, "--passphrase-file", str(words), "--cipher-algo", "AES256", "-o", os.devnull, "-c"]
    theirs = statistics.median(their_cpu(*command, str(page)) for _ in range(3))
    ours = median(lambda: own_cpu(lambda: seal(page)))
    print(f"\nsealing with digests {ours:.3f} s; gpg {theirs:.3f} s: {ours / theirs:.2f}x")
    assert ours <= 0.35 * theirs


def test_one_pass_costs_little_more_than_its_three_primitives(page: Path) -> None:
    """Reading once, hashing, encrypting, hashing - each over pieces of the size that it is done in."""
    aead, out, piece = ChaCha20Poly1305(bytes(32)), bytearray(CHUNK + 16), memoryview(bytearray(writing._BATCH))

    def primitives() -> None:
        plain, sealed = sha256(), sha256()
        with page.open("rb", buffering=0) as source:
            number = 0
            while source.readinto(piece):
                plain.update(piece)
                for place in range(0, len(piece), CHUNK):
                    aead.encrypt_into(number.to_bytes(12), piece[place : place + CHUNK], None, out)
                    number += 1
                sealed.update(piece)

    bare = median(lambda: own_cpu(primitives))
    ours = median(lambda: own_cpu(lambda: seal(page)))
    print(f"\none pass {ours:.3f} s; primitives {bare:.3f} s: {ours / bare:.2f}x")
    assert ours <= 1.1 * bare


def test_a_range_of_a_large_file_is_there_at_once(page: Path, tmp_path: Path) -> None:
    """64 KiB anywhere in a GiB, opening included, in at most 5 ms."""
    sealed = tmp_path / "sealed"
    with sealed.open("wb", buffering=0) as sink:
        writer = writing.SealingWriter(sink, [KEY.recipient], PLACE)
        for _ in range(2):
            with page.open("rb", buffering=0) as source:
                writer.read_from(source)
        made = writer.finish()
    assert made.plain_size == 2 * SIZE

    def once(number: int) -> float:
        start = time.perf_counter()
        with open_sealed(sealed, KEY, PLACE) as reader:
            reader.read_at(number * 31_337_001 % made.plain_size, CHUNK)
        return time.perf_counter() - start

    taken = statistics.median(once(number) for number in range(200))
    print(f"\n64 KiB of a GiB in {taken * 1000:.2f} ms")
    assert taken <= 0.005


def test_memory_stays_flat(page: Path) -> None:
    """Half a GiB is sealed and opened in memory that does not grow with it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seal(page)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"\n{grown} KiB more at the peak")
    assert grown < 16 * 1024

"""Quality checks beside what else there is: the cost of a page against its decoding, and skew against two libraries."""

import io
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random, SystemRandom

import cv2
import numpy as np
import pytest
from PIL import Image

from repository.domain.quality import PageVerdict
from repository.qc import Asked, Assessor, load_profile
from repository.qc.decoding import decode
from repository.qc.grey import Grey
from repository.qc.judge import judge_page
from repository.qc.kinds import Kind
from repository.qc.page import Page
from repository.qc.skew import judge_skew
from tests.qc_pages import page, real_scans, scanned, text_page

pytestmark = pytest.mark.bench
A4 = (2480, 3508)
ROUNDS = 9


def cpu(work: Callable[[], object]) -> float:
    """The least CPU seconds of a few rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best


def encoded(kind: Kind) -> bytes:
    """A page of A4 at 300 dpi: colour JPEG with the grain of a scanner, or G4."""
    grey = scanned(text_page(3, size=A4, lines=60), Random(3), turn=0.4)
    stream = io.BytesIO()
    if kind == "jpeg":
        Image.merge("RGB", [Image.fromarray(grey)] * 3).save(stream, "JPEG", quality=85, dpi=(300, 300))
    else:
        bitonal = Image.fromarray(grey).point([255 * (value > 140) for value in range(256)], "1")
        bitonal.save(stream, "TIFF", compression="group4", dpi=(300, 300))
    return stream.getvalue()


def pillow(content: bytes) -> None:
    with Image.open(io.BytesIO(content)) as picture:
        picture.convert("RGB").load()


def whole_pass(content: bytes, kind: Kind) -> PageVerdict:
    profile = load_profile("documents")
    opened = next(decode(content, kind, profile))
    assert isinstance(opened, Page)
    return judge_page(opened, profile)


@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
def test_a_page_costs_about_what_decoding_it_costs(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2.setNumThreads(1)
    content = encoded(kind)
    whole_pass(content, kind)
    with_model = cpu(lambda: whole_pass(content, kind)) / cpu(lambda: pillow(content))
    monkeypatch.setattr("repository.qc.orientation._session", lambda: None)
    without = cpu(lambda: whole_pass(content, kind)) / cpu(lambda: pillow(content))
    print(f"\n{kind}: whole pass {without:.2f}x Pillow's RGB decoding of the page, {with_model:.2f}x with orientation")
    assert max(without, with_model) <= 1.0


def test_two_processes_judge_twice_as_many_pages(tmp_path: Path) -> None:
    (tmp_path / "page.jpg").write_bytes(encoded("jpeg"))
    files = [Asked(tmp_path / "page.jpg", f"{n}.jpg") for n in range(60)]

    def wall(workers: int) -> float:
        with Assessor(workers=workers) as assessor:
            list(assessor.assess(files[:workers]))  # the processes are up
            begun = time.perf_counter()
            list(assessor.assess(files))
            return time.perf_counter() - begun

    ratio = max(wall(1) / wall(2) for _ in range(3))
    print(f"\ntwo processes: {ratio:.2f}x the pages of one")
    if len(os.sched_getaffinity(0)) > 1:
        assert ratio >= 1.8


def _jdeskew(grey: Grey) -> float:
    from jdeskew.estimator import get_angle

    return float(get_angle(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)))


def _deskew(grey: Grey) -> float:
    from deskew import determine_skew

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(determine_skew(grey) or 0.0)


def _ours(grey: Grey) -> float:
    found = judge_skew(page(grey, dpi=None), load_profile("documents").rules["Q01"])
    return float("inf") if found.value is None else found.value / 1000


def test_skew_beside_other_libraries() -> None:
    seed = int(os.environ.get("JINGUI_QC_SEED", SystemRandom().randrange(1 << 32)))
    random, errors = Random(seed), dict[str, list[float]](ours=[], jdeskew=[], deskew=[])
    for scan in real_scans():
        if scan.skew is None:
            continue
        for _ in range(2):
            turn = random.uniform(-4, 4)
            grey = scan.turned(turn)
            for name, measure in (("ours", _ours), ("jdeskew", _jdeskew), ("deskew", _deskew)):
                errors[name].append(abs(measure(grey) - (scan.skew - turn)))
    print(f"\nJINGUI_QC_SEED={seed}")
    near = {name: float(np.mean([error <= 0.1 for error in each])) for name, each in errors.items()}
    for name, share in near.items():
        print(f"{name}: {share:.0%} within 0.1 degrees, worst {max(errors[name]):.2f}")
    assert near["ours"] >= max(near["jdeskew"], near["deskew"])


def test_blur_beside_the_variance_of_a_laplacian() -> None:
    """Whether one limit tells all blurred pages from all sharp ones: ours leaves a gap, the other does not."""
    from tests.qc_pages import check

    ours: dict[bool, list[float]] = {True: [], False: []}
    laplacian: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(12):
        random = Random(seed)
        made = text_page(seed, lines=random.randint(3, 30), paper=random.randint(150, 245))
        for blurred in (False, True):
            grey = scanned(made, random, noise=random.uniform(1, 4))
            grey = cv2.GaussianBlur(grey, (0, 0), random.uniform(2, 3)) if blurred else grey  # type: ignore[assignment] # its stubs know no dtype
            ours[blurred].append((check("Q05", grey).value or 0) / 1000)
            laplacian[blurred].append(float(cv2.Laplacian(grey, cv2.CV_64F).var()))
    for name, found in (("ours", ours), ("variance of Laplacian", laplacian)):
        print(f"{name}: sharp from {min(found[False]):.2f}, blurred to {max(found[True]):.2f}")
    assert min(ours[False]) > max(ours[True])

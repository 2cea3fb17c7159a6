"""Opens the files in ``model/`` with onnxruntime."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# onnxruntime reports its use to its maker unless it is told not to before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

MODEL_FOLDER = Path(__file__).parent / "model"


class EncoderError(Exception):
    """The encoder's files are missing or damaged."""


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """Turns whatever goes wrong with the files of ``folder`` into EncoderError."""
    try:
        yield
    except Exception as error:  # onnxruntime raises its own kinds for damaged files
        reason = " ".join(str(error).split())
        raise EncoderError(f"The sentence encoder in {folder} cannot be loaded ({reason}). Reinstall IRIS.") from error


def open_model(file: Path) -> onnxruntime.InferenceSession:
    """What runs a model on one thread, which is fastest for one short text; throughput comes from several at once."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # By its path and not as bytes: so onnxruntime keeps one copy of the weights less.
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def file_digest(*files: Path) -> str:
    """One digest for all files that a result depends on; a file that is missing counts too."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest() if file.is_file() else b"missing")
    return digest.hexdigest()

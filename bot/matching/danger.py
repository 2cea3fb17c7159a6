"""A model of danger: the encoder's two last layers once more, tuned to tell messages in danger from harmless ones.

It reads on from what the encoder's fourth layer gives, so a message is not read anew from its words. What a content
teaches about danger stays with ``second_look.py``; this model is the same for every content.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.matching.encoder import Floats
from bot.matching.runtime import MODEL_FOLDER, file_digest, loading, open_model
from bot.matching.seen_texts import SeenTexts


class DangerModel:
    """What a message looks like to somebody who has read thousands of such: a kind of danger, or harmless.

    ``kinds`` are the ids of the kinds, in the order of its probabilities.
    """

    def __init__(self, model_folder: Path = MODEL_FOLDER) -> None:
        model, learnt_from = model_folder / "danger.onnx", model_folder / "danger_learnt_from.bin"
        with loading(model_folder):
            self._session = open_model(model)
            self.kinds: list[str] = self._session.get_modelmeta().custom_metadata_map["kinds"].split(",")
            self.digest = file_digest(model, learnt_from)
        self._learnt_from = SeenTexts(learnt_from)

    def log_probabilities(self, inside: Floats) -> Floats:
        """Of being harmless, then of each kind, shape (1 + kinds,); ``inside`` as in ``Encoding``."""
        (log_p,) = self._session.run(None, {"inside": inside})
        result: Floats = log_p[0]
        return result

    def unseen(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which of ``texts`` it did not learn from, shape (texts,): how sure it is of the others tells nothing."""
        return self._learnt_from.unseen(texts)

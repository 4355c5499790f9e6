"""faster-whisper as a transcriber: an optional extra (`presa[whisper]`), with a model that the user has on this machine.

Loaded at the first recording, never at start. Refuses to fetch a model from anywhere.
"""

import importlib.util
import io
import threading
from pathlib import Path
from typing import Any

from gateway.errors import Permanent


class Whisper:
    """`model`: the folder of a faster-whisper (CTranslate2) model."""

    name = "whisper"

    def __init__(self, model: str) -> None:
        self._path = model
        self._model: Any = None
        self._one_at_a_time = threading.Lock()

    def transcribe(self, sound: bytes, language: str) -> str:
        with self._one_at_a_time:
            segments, _ = self._loaded().transcribe(io.BytesIO(sound), language=language or None)
            return " ".join(segment.text.strip() for segment in segments)

    def _loaded(self) -> Any:
        if self._model is None:
            if why := missing(self._path):
                raise Permanent(why)
            whisper = importlib.import_module("faster_whisper")
            self._model = whisper.WhisperModel(self._path, device="cpu", compute_type="int8", local_files_only=True)
        return self._model


def missing(model: str) -> str:
    """What is missing before anything can be written down, and what to do about it; "" for nothing."""
    if importlib.util.find_spec("faster_whisper") is None:
        return "recordings are not written down: faster-whisper is not installed; install presa[whisper]"
    if not Path(model).is_dir():
        return (
            f"recordings are not written down: there is no model in {model}; correct transcription.model in presa.yaml"
        )
    return ""

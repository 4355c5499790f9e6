"""Recordings between their call and the gateway's database: files in one folder, named by their ids. Refuses any other name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import structlog

from gateway.phone.carrier import Later, Refused

log = structlog.get_logger(__name__)

RECORDING: Final = re.compile(r"RE[0-9A-Za-z]{1,62}")


class Spool:
    """What lies here is kept until the gateway has fetched it and says `forget`, over restarts too."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    def keep(self, sid: str, sound: bytes) -> bool:
        try:
            part = self._folder / f"{sid}.part"
            part.write_bytes(sound)
            part.rename(self._folder / f"{sid}.wav")
        except OSError as trouble:
            log.error("sip.recording_not_kept", why=trouble.strerror)
            return False
        return True

    def recording(self, sid: str) -> bytes:
        """A WAV file. Raises Refused or Later."""
        if not RECORDING.fullmatch(sid):
            raise Refused("this is no recording's id")
        try:
            return (self._folder / f"{sid}.wav").read_bytes()
        except FileNotFoundError as gone:
            raise Refused("there is no such recording") from gone
        except OSError as trouble:
            raise Later("the recording cannot be read") from trouble

    def forget(self, sid: str) -> None:
        if RECORDING.fullmatch(sid):
            (self._folder / f"{sid}.wav").unlink(missing_ok=True)

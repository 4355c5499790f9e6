"""A real SIP telephone for tests: Debian's baresip, played by its control interface. Loopback only."""

import json
import shutil
import signal
import socket
import subprocess
import time
import wave
from pathlib import Path
from typing import Any

MODULES = "/usr/lib/baresip/modules"
BARESIP = shutil.which("baresip")
PROMPT = 10.0  # seconds that anything may take


class Baresip:
    """One telephone. `says`: a WAV file that it speaks; what it hears is written to `folder` when the call ends."""

    def __init__(
        self, folder: Path, user: str, port: int, *, answers: bool = False, says: Path | None = None, rtp: int = 0
    ) -> None:
        assert BARESIP is not None
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self.control = folder, port, _free_port()
        source = f"aufile,{says or _silence(folder / 'silence.wav')}"
        first = rtp or 40_000 + (port % 500) * 20
        (folder / "config").write_text(
            f"poll_method epoll\nnet_interface 127.0.0.1\nsip_listen 127.0.0.1:{port}\nmodule_path {MODULES}\n"
            f"audio_player aubridge,null\naudio_source {source}\naudio_alert aubridge,null\n"
            f"rtp_ports {first}-{first + 18}\nrtp_stats yes\nsnd_path {folder}\nctrl_tcp_listen 127.0.0.1:{self.control}\n"
            + "".join(f"module {m}.so\n" for m in ("g711", "aufile", "aubridge", "sndfile"))
            + "module_tmp account.so\n"
            + "".join(f"module_app {m}.so\n" for m in ("ctrl_tcp", "menu"))
        )
        answer = ";answermode=auto" if answers else ""
        (folder / "accounts").write_text(f"<sip:{user}@127.0.0.1:{port}>;regint=0;audio_codecs=PCMA{answer}\n")
        (folder / "contacts").write_text("")
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            [BARESIP, "-4", "-f", str(folder)], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        self.socket = self._connected()
        self.events: list[dict[str, Any]] = []
        self._held = b""

    def _connected(self) -> socket.socket:
        end = time.monotonic() + PROMPT
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.control), timeout=PROMPT)
            except OSError:
                assert time.monotonic() < end, f"baresip does not start: {self.words()}"
                time.sleep(0.05)

    def words(self) -> str:
        """What it has printed."""
        return (self.folder / "log").read_text(errors="replace")

    def does(self, command: str, params: str = "") -> None:
        order = json.dumps({"command": command, "params": params}).encode()
        self.socket.sendall(b"%d:%b," % (len(order), order))

    def calls(self, address: str) -> None:
        self.does("dial", address)

    def presses(self, keys: str, pause: float = 0.25) -> None:
        for key in keys:
            self.does("sndcode", key)
            time.sleep(pause)

    def hangs_up(self) -> None:
        self.does("hangup")

    def waits_for(self, *kinds: str, seconds: float = PROMPT) -> str:
        """Until one of these events (CALL_ESTABLISHED, CALL_CLOSED, ...) came; which."""
        end = time.monotonic() + seconds
        while True:
            for event in self.events:
                if event.get("type") in kinds:
                    self.events.remove(event)
                    return str(event["type"])
            left = end - time.monotonic()
            assert left > 0, f"none of {kinds} came; {self.words()[-2000:]}"
            self.listen(left)

    def listen(self, seconds: float) -> None:
        """Takes in what the control interface tells."""
        self.socket.settimeout(max(0.01, min(seconds, 0.5)))
        try:
            self._held += self.socket.recv(65_536)
        except TimeoutError:
            return
        while b":" in self._held:
            length, _, rest = self._held.partition(b":")
            if len(rest) <= int(length):
                return
            told, self._held = rest[: int(length)], rest[int(length) + 1 :]
            message = json.loads(told)
            if message.get("event"):
                self.events.append(message)

    def heard(self) -> tuple[float, float]:
        """Of the longest that it heard: (seconds, the part of its tenths of a second that hold sound)."""
        best = (0.0, 0.0)
        for path in self.folder.glob("*dec.wav"):
            with wave.open(str(path)) as read:
                pcm = memoryview(read.readframes(read.getnframes())).cast("h")
                rate = read.getframerate()
            tenths = [pcm[at : at + rate // 10] for at in range(0, len(pcm), rate // 10)]
            loud = sum(max(abs(s) for s in tenth) > 1_000 for tenth in tenths if tenth)
            if len(pcm) / rate > best[0]:
                best = (len(pcm) / rate, loud / max(1, len(tenths)))
        return best

    def close(self) -> None:
        self.socket.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


def _silence(path: Path) -> Path:
    """Two minutes in which nobody speaks."""
    with wave.open(str(path), "wb") as write:
        write.setnchannels(1)
        write.setsampwidth(2)
        write.setframerate(8_000)
        write.writeframes(bytes(2 * 8_000 * 120))
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

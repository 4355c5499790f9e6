"""How much memory a 25 MB mail takes on its way through a running Presa, process by process.

    python benchmarks/big_mail.py            SQLite in a folder that is thrown away

Sends one mail with an attachment that cannot be compressed and watches every process of Presa meanwhile.
"""

import base64
import contextlib
import os
import smtplib
import threading
import time
from pathlib import Path

from processes import Presa, settle, workplace

BYTES = 18_200_000  # of the attachment: 25 MB once it is base64
PAGE = os.sysconf("SC_PAGE_SIZE")
NAMES = {"porter": "mail door", "reader": "reading", "presa": "filing, web, jobs"}


def mail() -> bytes:
    body = base64.encodebytes(os.urandom(BYTES)).replace(b"\n", b"\r\n")
    head = (
        b"From: mario@acme.example\r\nTo: support@example.test\r\nSubject: large\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nsee the file\r\n--x\r\n"
        b"Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    return head + body + b"\r\n--x--\r\n"


def main() -> None:
    with workplace(None) as folder, (presa := Presa(folder, None)).up() as pid:
        settle(pid)
        idle = memory(pid)
        peak, done = dict(idle), threading.Event()

        def watch() -> None:
            while not done.wait(0.005):
                for one, (name, now) in memory(pid).items():
                    peak[one] = (name, max(now, peak.get(one, (name, 0.0))[1]))

        threading.Thread(target=watch, daemon=True).start()
        raw = mail()
        began = time.perf_counter()
        with smtplib.SMTP("127.0.0.1", presa.smtp, timeout=120) as client:
            client.sendmail("mario@acme.example", ["support@example.test"], raw)
        took = time.perf_counter() - began
        done.set()
    print(f"{len(raw) / 1e6:.1f} MB promised after {took:.1f} s")
    for one, (name, most) in peak.items():
        print(f"  {name:20} {idle.get(one, ('', 0.0))[1]:5.0f} MB idle, {most:5.0f} MB at the most")


def memory(pid: int) -> dict[int, tuple[str, float]]:
    """Resident memory in MB of a process and its descendants."""
    parents, found = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    for one in parents:
        above = one
        while above not in (pid, 0):
            above = parents.get(above, 0)
        with contextlib.suppress(OSError, StopIteration):
            words = Path(f"/proc/{one}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            if above == pid:
                pages = int(Path(f"/proc/{one}/statm").read_text().split()[1])
                found[one] = (next(v for k, v in NAMES.items() if k in words), pages * PAGE / 1e6)
    return found


if __name__ == "__main__":
    main()

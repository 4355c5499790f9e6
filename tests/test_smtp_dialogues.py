"""Conversations with the mail door, as text files in smtp_dialogues/.

`> line` sends it with CRLF, `>> bytes` sends exactly those (\\r \\n \\0 \\xNN), `< 250 words` expects a reply with that
code which holds those words, `< closed` the end of the session, `= N` counts the mails delivered, `limits: name=value`
changes the door's, `greeting: no` sends before the greeting is read, `protocol: lmtp` speaks that.
"""

import dataclasses
import re
from pathlib import Path

import pytest
from smtp_peer import QUICK, Peer, house

FILES = sorted((Path(__file__).parent / "smtp_dialogues").glob("*.txt"))


def escaped(text: str) -> bytes:
    marks = {b"r": b"\r", b"n": b"\n", b"0": b"\0"}
    return re.sub(
        rb"\\(r|n|0|x..)", lambda m: marks.get(m[1]) or bytes.fromhex(m[1][1:].decode()), text.encode("utf-8")
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_dialogue(file: Path) -> None:
    lines = file.read_text("utf-8").splitlines()
    changes = dict(word.split("=") for line in lines if line.startswith("limits:") for word in line[7:].split())
    types = {field.name: type(field.default) for field in dataclasses.fields(QUICK)}
    limits = dataclasses.replace(QUICK, **{name: types[name](value) for name, value in changes.items()})
    protocol = "lmtp" if "protocol: lmtp" in lines else "smtp"
    with house(limits, protocol=protocol) as it, Peer(it, greeting="greeting: no" not in lines) as peer:
        for number, line in enumerate(lines, 1):
            mark, _, text = line.partition(" ")
            if mark == ">":
                peer.send(text.encode() + b"\r\n")
            elif mark == ">>":
                peer.send(escaped(text))
            elif mark == "<":
                reply, (code, _, words) = peer.reply(), text.partition(" ")
                assert reply.startswith(code), f"line {number}: {reply}"
                assert words in reply, f"line {number}: {reply}"
            elif mark == "=":
                assert len(it.mails) == int(text), f"line {number}: {it.mails}"

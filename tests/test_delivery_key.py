"""The same mail by another way is one delivery: CASES mail 8, R5."""

from datetime import UTC, datetime

import pytest

from routing import threads

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
AUTHOR = (
    b"From: mario@acme.example\r\nSubject: Stampante\r\nMessage-ID: <1@acme.example>\r\nDKIM-Signature: v=1; d=acme.example\r\n"
    b"X-Mailer: Outlook\r\nX-MS-Has-Attach: yes\r\nList-Id: <it.acme.example>\r\n\r\nNon stampa.\r\n"
)
GOOGLE = (
    b"Delivered-To: desk@gmail.example\r\nReceived: by 2002:a05:7000::1 with SMTP id x;\r\n        Sun, 22 Nov 2026\r\n"
    b"X-Google-Smtp-Source: AGHT+IE\r\nX-Received: by 2002:a17:906::2 with SMTP id y;\r\n\tSun, 22 Nov 2026\r\n"
    b"ARC-Seal: i=1; a=rsa-sha256; d=google.example\r\nARC-Message-Signature: i=1\r\nARC-Authentication-Results: i=1; mx\r\n"
    b"Return-Path: <mario@acme.example>\r\nReceived-SPF: pass\r\nAuthentication-Results: mx.google.example;\r\n       dkim=pass\r\n"
    b"X-Gm-Message-State: AOJu0\r\n"
)
MICROSOFT = (
    b"Received: from A by B (2603:10a6::1) with HTTPS\r\nAuthentication-Results-Original: spf=pass\r\n"
    b"X-MS-Exchange-Organization-SCL: 1\r\nX-MS-Exchange-Organization-AuthSource: db.example\r\nX-MS-PublicTrafficType: Email\r\n"
    b"X-Microsoft-Antispam: BCL:0;\r\nX-Microsoft-Antispam-Message-Info:\r\n\tabc\r\n def\r\nX-Forefront-Antispam-Report: CIP:1\r\n"
    b"X-EOPAttributedMessage: 0\r\n"
)
FILTERS = (
    b"DKIM-Filter: OpenDKIM Filter v2.11 mx\r\nX-Spam-Status: No, score=-1\r\nX-Spam-Checker-Version: 4\r\nX-Virus-Scanned: yes\r\n"
    b"X-Original-To: desk@acme.example\r\nX-Rspamd-Queue-Id: 1\r\nX-Proofpoint-Virus-Version: a\r\nX-CMAE-Envelope: MS4\r\n"
    b"X-Envelope-From: <a@b>\r\nX-UID: 4\r\nStatus: RO\r\n"
)


def key(raw: bytes) -> str:
    return threads.delivery_key(raw, identified=True, received=AT)


@pytest.mark.parametrize("trace", [GOOGLE, MICROSOFT, FILTERS], ids=["google", "microsoft", "filters"])
def test_what_is_put_on_a_mail_on_its_way_makes_no_other_mail_of_it(trace: bytes) -> None:
    assert key(trace + AUTHOR) == key(AUTHOR)
    head, _, body = AUTHOR.partition(b"\r\n\r\n")
    assert key(head + b"\r\n" + trace + b"\r\n" + body) == key(AUTHOR)  # some write below the author's own lines
    assert key((trace + AUTHOR).replace(b"\r\n", b"\n").rstrip()) == key(AUTHOR)  # as files keep it


@pytest.mark.parametrize(
    "name",
    [
        b"Subject",
        b"From",
        b"Reply-To",
        b"DKIM-Signature",
        b"X-Mailer",
        b"X-MS-Has-Attach",
        b"List-Id",
        b"References",
        b"X-Priority",
    ],
)
def test_what_the_author_wrote_makes_another_mail(name: bytes) -> None:
    assert key(name + b": other\r\n" + AUTHOR) != key(AUTHOR)


def test_another_body_under_the_same_ids_is_another_mail_also_beyond_the_first_megabyte() -> None:
    """CASES R5: Message-ID squatting."""
    long = AUTHOR + b"x\r\n" * 500_000
    assert key(AUTHOR + b"Davvero.") != key(AUTHOR)
    assert key(long + b"a") != key(long + b"b")
    assert key(long + b"\r\n\r\n") == key(long) == key(long.replace(b"\r\n", b"\n"))
    assert key(long) != key(AUTHOR)


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 1 << 20])
def test_where_a_body_is_cut_into_pieces_changes_nothing(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = b"A: b\r\n\r\na\r\r\nb\n\r\nc\r\n\r\n\rd\r\n"
    whole = key(odd)
    monkeypatch.setattr(threads, "PIECE", piece)
    assert key(odd) == whole

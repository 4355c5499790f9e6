"""Addresses in MAIL and RCPT."""

import pytest

from gateway.smtp import paths


@pytest.mark.parametrize(
    ("argument", "address", "parameters"),
    [
        ("FROM:<mario@acme.example>", "mario@acme.example", {}),
        ("from: <mario@acme.example>", "mario@acme.example", {}),
        ("FROM:<>", "", {}),
        ("FROM:<> SIZE=12 BODY=8BITMIME SMTPUTF8", "", {"SIZE": "12", "BODY": "8BITMIME", "SMTPUTF8": ""}),
        ("FROM:<a@b.example> size=1", "a@b.example", {"SIZE": "1"}),
        ("FROM:<@relay.example,@other.example:a@b.example>", "a@b.example", {}),
        ('FROM:<"odd name"@b.example>', '"odd name"@b.example', {}),
        ("FROM:<a..b.@b.example>", "a..b.@b.example", {}),
        ("FROM:<a@[192.0.2.1]>", "a@[192.0.2.1]", {}),
        ("FROM:<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", {}),
        ("FROM:<josé@münchen.example>", "josé@münchen.example", {}),
        ("FROM:<postmaster>", "postmaster", {}),
        ("FROM:<bounce+" + "x" * 150 + "=a.example@b.example>", "bounce+" + "x" * 150 + "=a.example@b.example", {}),
    ],
)
def test_a_path_is_read(argument, address, parameters) -> None:
    path = paths.parse(argument, "FROM:")
    assert path is not None
    assert (path.address, dict(path.parameters)) == (address, parameters)


@pytest.mark.parametrize(
    "argument",
    [
        "",
        "FROM:",
        "FROM <a@b.example>",
        "TO:<a@b.example>",
        "FROM:a@b.example",
        "FROM:<a@b.example",
        "FROM:a@b.example>",
        "FROM:<<a@b.example>>",
        "FROM:<a@b.example>SIZE=1",
        "FROM:<a@b.example> SIZE=",
        "FROM:<a@b.example> =1",
        "FROM:<a@b@c.example>",
        "FROM:<a b@c.example>",
        "FROM:<a>",
        "FROM:<@b.example>",
        "FROM:<a@>",
        "FROM:<a@-b.example>",
        "FROM:<a@b..example>",
        "FROM:<a@b.example\t>",
        "FROM:<a\x7f@b.example>",
        'FROM:<"a\x01"@b.example>',
        "FROM:<a@[1.2.3.4>",
        "FROM:<a@b.example>, <c@d.example>",
        "FROM:<" + "a" * 320 + "@b.example>",
    ],
)
def test_what_is_not_exactly_a_path_is_refused(argument) -> None:
    assert paths.parse(argument, "FROM:") is None

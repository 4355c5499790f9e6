"""What the author newly wrote, in six languages and the layouts of the mail programs people use."""

import random
import re
from pathlib import Path

import pytest

import parsers
from parsers import hypertext, phrases, replies, signatures

# Name, what arrives below the author's words "NEW" (a blank line between): all of it must go.
QUOTES = [
    ("gmail en", "On Mon, Nov 16, 2026 at 3:04 PM Desk <desk@y.it> wrote:\n\n> old\n> mail"),
    ("gmail en wrapped", "On Mon, Nov 16, 2026 at 3:04 PM Desk of the Big Company\n<desk@y.it> wrote:\n\n> old"),
    ("gmail en wrapped twice", "On Mon, Nov 16, 2026 at 3:04 PM\nDesk of the Big Company <\ndesk@y.it> wrote:\n> old"),
    ("gmail it", "Il giorno lun 16 nov 2026 alle ore 15:04 Desk <desk@y.it> ha scritto:\n\n> vecchia"),
    ("gmail it wrapped", "Il giorno lun 16 nov 2026 alle ore 15:04 Desk <desk@y.it>\nha scritto:\n\n> vecchia"),
    ("gmail it, no marks", "Il giorno lun 16 nov 2026 alle ore 15:04 Desk <desk@y.it> ha scritto:\n\nvecchia mail\nsenza segni"),
    ("gmail de", "Am Mo., 16. Nov. 2026 um 15:04 Uhr schrieb Desk <desk@y.it>:\n\n> alt"),
    ("gmail fr", "Le lun. 16 nov. 2026 à 15:04, Desk <desk@y.it> a écrit :\n\n> ancien"),
    ("gmail es", "El lun, 16 nov 2026 a las 15:04, Desk (<desk@y.it>) escribió:\n\n> viejo"),
    ("gmail pt", "Em seg., 16 de nov. de 2026 às 15:04, Desk <desk@y.it> escreveu:\n\n> velho"),
    ("gmail old", "2026/11/16 Desk <desk@y.it>\n\n> old"),
    ("gmail nl", "Op ma 16 nov 2026 om 15:04 schreef Desk <desk@y.it>:\n\n> oud"),
    ("gmail pl", "pon., 16 lis 2026 o 15:04 Desk <desk@y.it> napisał(a):\n\n> stare"),
    ("gmail sv", "Den mån 16 nov. 2026 kl 15:04 skrev Desk <desk@y.it>:\n\n> gammal"),
    ("gmail ru", "пн, 16 нояб. 2026 г. в 15:04, Desk <desk@y.it>:\n\n> старое"),
    ("gmail ja", "2026年11月16日(月) 15:04 Desk <desk@y.it>:\n\n> 古い"),
    ("apple en", "> On 16 Nov 2026, at 15:04, Desk <desk@y.it> wrote:\n> \n> old"),
    ("apple it", "> Il giorno 16 nov 2026, alle ore 15:04, Desk <desk@y.it> ha scritto:\n> \n> vecchia"),
    ("apple it, unmarked", "Il giorno 16/nov/2026, alle ore 15:04, Desk ha scritto:\n\n> vecchia"),
    ("apple de", "> Am 16.11.2026 um 15:04 schrieb Desk <desk@y.it>:\n> \n> alt"),
    ("thunderbird en", "On 16/11/2026 15:04, Desk wrote:\n> old\n> mail"),
    ("thunderbird it", "Il 16/11/2026 15:04, Desk ha scritto:\n> vecchia"),
    ("thunderbird de", "Am 16.11.26 um 15:04 schrieb Desk:\n> alt"),
    ("thunderbird fr", "Le 16/11/2026 à 15:04, Desk a écrit :\n> ancien"),
    ("thunderbird es", "El 16/11/26 a las 15:04, Desk escribió:\n> viejo"),
    ("thunderbird pt", "Às 15:04 de 16/11/2026, Desk escreveu:\n> velho"),
    ("verb before the date", "Desk <desk@y.it> schrieb am Mo., 16. Nov. 2026, 15:04:\n\n> alt"),
    ("lotus", "Desk <desk@y.it> wrote on 16/11/2026 15:04:\n\nold mail"),
    ("outlook en", "From: Desk <desk@y.it>\nSent: Monday, November 16, 2026 3:04 PM\nTo: Mario <m@x.it>\nSubject: RE: broken\n\nold mail"),
    ("outlook en bold", "*From:* Desk <desk@y.it>\n*Sent:* Monday, November 16, 2026 3:04 PM\n*To:* Mario <m@x.it>\n*Subject:* RE: broken\n\nold"),
    ("outlook it", "Da: Desk <desk@y.it>\nInviato: lunedì 16 novembre 2026 15:04\nA: Mario <m@x.it>\nOggetto: R: guasto\n\nvecchia"),
    ("outlook de", "Von: Desk <desk@y.it>\nGesendet: Montag, 16. November 2026 15:04\nAn: Mario <m@x.it>\nBetreff: AW: defekt\n\nalt"),
    ("outlook fr", "De : Desk <desk@y.it>\nEnvoyé : lundi 16 novembre 2026 15:04\nÀ : Mario <m@x.it>\nObjet : RE: panne\n\nancien"),
    ("outlook es", "De: Desk <desk@y.it>\nEnviado el: lunes, 16 de noviembre de 2026 15:04\nPara: Mario <m@x.it>\nAsunto: RE: fallo\n\nviejo"),
    ("outlook pt", "De: Desk <desk@y.it>\nEnviada em: segunda-feira, 16 de novembro de 2026 15:04\nPara: Mario <m@x.it>\nAssunto: RE: falha\n\nvelho"),
    ("outlook without address", "From: Desk\nSent: Monday, November 16, 2026 3:04 PM\nTo: Mario\nSubject: RE: broken\n\nold mail"),
    ("outlook web", "________________________________\nFrom: Desk <desk@y.it>\nSent: Monday, November 16, 2026 3:04 PM\nTo: Mario <m@x.it>\nSubject: RE: broken\n\nold"),
    ("outlook express", "----- Original Message -----\nFrom: Desk\nTo: m@x.it\nSent: Monday, November 16, 2026 3:04 PM\nSubject: broken\n\nold"),
    ("original it", "-----Messaggio originale-----\nDa: Desk [mailto:desk@y.it]\nInviato: lunedì 16 novembre 2026 15:04\nA: Mario\nOggetto: guasto\n\nvecchia"),
    ("original de", "-----Ursprüngliche Nachricht-----\nVon: Desk\nGesendet: Montag\n\nalt"),
    ("original fr", "-----Message d'origine-----\nDe : Desk\n\nancien"),
    ("original es", "-----Mensaje original-----\nDe: Desk\n\nviejo"),
    ("original pt", "-----Mensagem original-----\nDe: Desk\n\nvelho"),
    ("libero", "----Messaggio originale----\nDa: desk@y.it\nData: 16-nov-2026 15.04\nA: <m@x.it>\nOgg: guasto\n\nvecchia mail"),
    ("libero web", "    Il 16/11/2026 15:04 Desk <desk@y.it> ha scritto:\n\n\n  vecchia mail"),
    ("aruba webmail", "Da: \"Desk\" desk@y.it\nA: \"Mario\" m@x.it\nCc: \nData: Mon, 16 Nov 2026 15:04:05 +0100\nOggetto: guasto\n\nvecchia mail"),
    ("roundcube", "Il 16-11-2026 15:04 Desk ha scritto:\n> vecchia"),
    ("zimbra", "Da: \"Desk\" <desk@y.it>\nA: \"Mario\" <m@x.it>\nInviato: Lunedì, 16 novembre 2026 15:04:05\nOggetto: guasto\n\nvecchia mail"),
    ("yahoo", "   On Monday, November 16, 2026, 03:04:05 PM GMT+1, Desk <desk@y.it> wrote:  \n \n old mail"),
    ("forward below", "---------- Forwarded message ---------\nFrom: Desk <desk@y.it>\nDate: Mon, Nov 16, 2026 at 3:04 PM\nSubject: x\nTo: <m@x.it>\n\nold"),
    ("apple forward", "Begin forwarded message:\n\nFrom: Desk <desk@y.it>\nSubject: x\nDate: 16 November 2026 at 15:04:05 CET\nTo: m@x.it\n\nold"),
    ("reply above", "##- Please type your reply above this line -##\n\nYour request has been updated."),
    ("bare marks", "> old\n> mail"),
    ("blank lines between header lines", "From: Desk <desk@y.it>\n\nSent: Monday, November 16, 2026 3:04 PM\n\nTo: Mario <m@x.it>\n\nSubject: RE: broken\n\nold"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "quote"), QUOTES, ids=[row[0] for row in QUOTES])
def test_the_quoted_mail_goes_and_the_new_words_stay(name: str, quote: str) -> None:
    assert replies.cut(f"NEW words\nof mine\n\n{quote}\n") == replies.Reply("NEW words\nof mine", "NEW words\nof mine")


KEPT = [
    "La stampante non va.\nDa: interno 204\nA: reception",
    "Da: interno 204\nOggetto: guasto stampante\nUrgenza: alta",
    "From: version 4\nTo: version 5\nthe upgrade fails",
    "Yesterday he wrote: it does not work.\nSo please help.",
    "He wrote to you on Monday and nobody answered.",
    "Il collega ha scritto che il server è giù.\nGrazie",
    "The log says:\n2026-11-16 15:04:05 ERROR disk full\n-----\nmore lines",
    "Date: 16/11/2026\nthe backup failed",
    "a -- b\n--option is refused\n-- comment in SQL",
    "Thanks!\n\nIt works now, but the other one does not.",
    "Grazie",
    "Best of all would be a call.",
    "Attached is the log",
    "LGTM",
    "Sent from the warehouse there are three pallets missing, please check them today because the customer is waiting for it.",
    "Inviato il file ieri alle 15:04, nessuna risposta?",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_only_looks_like_a_quote_or_signature_is_kept(text: str) -> None:
    assert replies.cut(text) == replies.Reply(text, text)


SIGNATURES = [
    "-- \nMario Rossi\nACME",
    "--\nMario Rossi",
    "Best regards,\nMario Rossi\nACME spa",
    "Kind regards\n\nMario",
    "Thanks,\nMario",
    "Thanks and regards,\nMario",
    "Many thanks\nMario Rossi",
    "Cheers, Mario",
    "Cordiali saluti\nMario Rossi\nTel. 06 123456",
    "Distinti saluti.",
    "Grazie,\nMario",
    "Grazie e saluti\nMario",
    "Grazie\nCordiali saluti\nMario Rossi",
    "Un cordiale saluto,\nMario",
    "Saluti, Mario",
    "Mit freundlichen Grüßen\nHans Müller",
    "Mit freundlichen Grüßen / Best regards\nHans Müller",
    "Viele Grüße aus Berlin\nHans",
    "MfG\nHans",
    "Cordialement,\nJean Dupont",
    "Bien à vous,\nJean",
    "Un saludo,\nJuan",
    "Saludos cordiales\nJuan",
    "Atenciosamente,\nJoão",
    "Com os melhores cumprimentos,\nJoão Silva",
    "Sent from my iPhone",
    "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "Inviato da iPhone",
    "Inviato dal mio Galaxy",
    "Von meinem iPhone gesendet",
    "Envoyé de mon iPhone",
    "Enviado desde mi iPhone",
    "Enviado do meu iPhone",
    "_____________________________\nMario Rossi - ACME\ntel +39 06 123456",
    "- Mario",
    "This e-mail and any attachments are confidential and intended solely for the addressee.",
    "Le informazioni contenute in questo messaggio sono riservate e confidenziali.",
    "*Mario Rossi*\n-- \nACME",
]


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_signature_is_told_apart_from_the_words(signature: str) -> None:
    found = replies.cut(f"NEW words\nof mine\n\n{signature}\n\nOn 16/11/2026 15:04, Desk wrote:\n> old\n")
    expected = "NEW words\nof mine\n\n*Mario Rossi*" if signature.startswith("*Mario") else "NEW words\nof mine"
    assert found == replies.Reply(expected, f"NEW words\nof mine\n\n{signature}")


def test_answers_between_the_quotes_are_kept_and_the_quotes_go() -> None:
    text = "Hello,\n\nOn 16/11/2026 15:04, Desk wrote:\n> which floor?\nthe third\n\n> since when?\n\nsince Monday\n\n-- \nMario\n"
    assert replies.cut(text).text == "Hello,\n\nthe third\n\nsince Monday"
    assert replies.cut(text).with_signature.endswith("-- \nMario")


def test_a_footer_below_the_quote_is_no_answer_and_a_postscript_is_one() -> None:
    quoted = "Hello\n\nOn 16/11/2026 15:04, Desk wrote:\n> old\n"
    footer = "_______________________________\nUsers mailing list\nusers@lists.x.it\n"
    assert replies.cut(quoted + footer).text == "Hello"
    assert replies.cut("It works.\n\nGrazie\nMario\n\nP.S. closed tomorrow").text == "It works.\n\nP.S. closed tomorrow"


def test_the_broken_tail_of_a_quoted_line_is_part_of_the_quote() -> None:
    long = "> " + "long words " * 7
    assert replies.cut(f"Yes.\n\nOn 16/11/2026 15:04, Desk wrote:\n{long}\nand their tail\n> more\n").text == "Yes."


def test_an_answer_below_the_quote_is_kept() -> None:
    assert replies.cut("On 16/11/2026 15:04, Desk wrote:\n> old\n> mail\n\nthe answer\n").text == "the answer"


def test_a_mail_that_only_forwards_another_keeps_what_it_forwards() -> None:
    text = "---------- Forwarded message ---------\nFrom: Bea <b@z.it>\nDate: Mon, Nov 16, 2026 at 3:04 PM\nSubject: x\nTo: <m@x.it>\n\nthe printer burns"
    assert replies.cut(text).text == text
    signed = f"Sent from my iPhone\n\n{text}"
    assert replies.cut(signed).text == signed


def test_a_mail_of_nothing_but_quotes_says_nothing_new() -> None:
    assert replies.cut("On 16/11/2026 15:04, Desk wrote:\n> old\n> mail\n") == replies.Reply("", "")


PAGES = [
    ("gmail", '<div dir="ltr">NEW<br>words</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Mon, Nov 16, 2026 at 3:04 PM Desk &lt;<a href="mailto:d@y.it">d@y.it</a>&gt; wrote:<br></div><blockquote class="gmail_quote" style="margin:0">old</blockquote></div>'),
    ("apple", '<html><body>NEW<div>words</div><div><blockquote type="cite"><div>On 16 Nov 2026, at 15:04, Desk &lt;d@y.it&gt; wrote:</div>old</blockquote></div></body></html>'),
    ("thunderbird", '<p>NEW<br>words</p><div class="moz-cite-prefix">Il 16/11/2026 15:04, Desk ha scritto:<br></div><blockquote type="cite" cite="mid:x@y"><p>old</p></blockquote>'),
    ("outlook", '<div class=WordSection1><p class=MsoNormal>NEW<br>words</p><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class=MsoNormal><b>From:</b> Desk &lt;d@y.it&gt;<br><b>Sent:</b> Monday, November 16, 2026 3:04 PM<br><b>To:</b> Mario<br><b>Subject:</b> RE: x</p></div><p>old</p></div>'),
    ("outlook web", '<div>NEW<br>words</div><hr><div id="divRplyFwdMsg"><b>Da:</b> Desk &lt;d@y.it&gt;<br><b>Inviato:</b> lunedì 16 novembre 2026 15:04<br><b>A:</b> Mario<br><b>Oggetto:</b> R: x</div><div>old</div>'),
    ("yahoo", '<div>NEW<br>words</div><div id="yahoo_quoted_1" class="yahoo_quoted"><div>On Monday, Desk wrote:</div>old</div>'),
    ("proton", '<div>NEW<br>words</div><div class="protonmail_quote">On Monday, Desk wrote:<blockquote>old</blockquote></div>'),
    ("roundcube", '<div>NEW<br>words</div><p id="reply-intro">Il 2026-11-16 15:04 Desk ha scritto:</p><blockquote type="cite"><div>old</div></blockquote>'),
    ("gmail signature", '<div>NEW<br>words</div><div class="gmail_signature">Mario Rossi<br>ACME</div>'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "page"), PAGES, ids=[row[0] for row in PAGES])
def test_quotes_and_signatures_marked_in_html_go(name: str, page: str) -> None:
    assert replies.cut(hypertext.views(page).bare).text == "NEW\nwords"


def samples(name: str) -> list[list[str]]:
    """The entries of a file in tests/mail: name, text, the new words, and for some the words with the signature."""
    found: list[list[str]] = []
    for entry in (Path(__file__).parent / "mail" / name).read_text(encoding="utf-8").split("\n#### ")[1:]:
        if entry.partition("\n")[0] in ("words", "signed"):
            found[-1].append(entry.partition("\n")[2].rstrip("\n"))
        else:
            found.append([*entry.split("\n", 1)])
    return found


@pytest.mark.parametrize("sample", samples("replies.txt"), ids=lambda row: row[0])
def test_the_new_words_of_a_reply_in_any_program_and_language(sample: list[str]) -> None:
    """CASES mail 27: answers between the quotes stay."""
    _, text, words, *signed = sample
    found = replies.cut(text)
    assert found.text == words
    assert signed in ([], [found.with_signature])


def test_the_name_of_the_sender_signs_and_a_name_in_the_text_does_not() -> None:
    card = "It fails.\n\nMario Rossi\nACME spa\n+39 06 123456"
    assert replies.cut(card, "Mario Rossi") == replies.Reply("It fails.", card)
    told = "Please call\nMario Rossi\non the phone"
    assert replies.cut(told, "Mario Rossi").text == told
    asked = "It fails.\n\nMario Rossi\ncan you call him?"
    assert replies.cut(asked, "Mario Rossi").text == asked
    raw = b"From: Mario Rossi <m@x.it>\nSubject: s\n\nIt fails.\n\nMario Rossi\nACME\n"
    assert parsers.parse(raw).reply_text == "It fails."
    for line in ("Mario", "ROSSI MARIO", "M. Rossi"):
        assert replies.cut(f"It fails.\n\n{line}", "Mario Rossi").text == "It fails."
    for text in (
        "Hi,\n\nMario\n\nis not able to log in",
        "A mailbox for\n\nMario Rossi\n\nThanks",
        "It fails.\n\nAnna\nMario",
    ):
        assert replies.cut(text, "Mario Rossi").text == text
    for text in ("Hello.\n\nYes, please do it.\nwww.x.example", "It fails.\n\nThanks,\nplease, call me at once"):
        assert replies.cut(text).text == text


def test_control_characters_behind_a_quote_do_not_upset_the_page() -> None:
    page = b"<p>NEW</p><blockquote type=cite>old</blockquote>tail\x01\x1f&#2;<b>x</b>"
    found = parsers.parse(b"From: m@x.it\nContent-Type: text/html\n\n" + page)
    assert found.error is None
    assert found.reply_text.startswith("NEW")


WHOLE_PAGES = [
("owa appendonsend",'<div>NEW</div><div id="appendonsend"></div><hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg" dir="ltr"><font><b>From:</b> Desk &lt;d@y.example&gt;<br><b>Sent:</b> Monday, November 16, 2026 3:04 PM<br><b>To:</b> M<br><b>Subject:</b> x</font><div>&nbsp;</div></div><div>old</div>',"NEW"),
("apple ios",'<html><body dir="auto">NEW<br><br><div dir="ltr">Sent from my iPhone</div><div dir="ltr"><br><blockquote type="cite">On 16 Nov 2026, at 15:04, Desk &lt;d@y.example&gt; wrote:<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">old</div></blockquote></body></html>',"NEW"),
("aol",'<div>NEW</div><br><div>-----Original Message-----<br>From: Desk &lt;d@y.example&gt;<br>To: m &lt;m@x.example&gt;<br>Sent: Mon, Nov 16, 2026 3:04 pm<br>Subject: x<br><br>old</div>',"NEW"),
("zoho",'<div>NEW<br></div><div class="zmail_extra"><div id="1"><div>---- On Mon, 16 Nov 2026 15:04:05 +0100 <b>Desk &lt;d@y.example&gt;</b> wrote ----</div></div><blockquote>old</blockquote></div>',"NEW"),
("hotmail",'<div>NEW<br><br><div><hr id="stopSpelling">Date: Mon, 16 Nov 2026 15:04:05 +0100<br>From: d@y.example<br>To: m@x.example<br>Subject: x<br><br>old</div></div>',"NEW"),
("windows mail",'<div>NEW</div><div>Sent from <a href="x">Mail</a> for Windows</div><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>From: </b><a href="mailto:d@y.example">Desk</a><br><b>Sent: </b>Monday, November 16, 2026 3:04 PM<br><b>To: </b>M<br><b>Subject: </b>x</p></div><p>old</p>',"NEW"),
("samsung",'<div>NEW</div><div><br></div><div id="composer_signature"><div>Sent from my Galaxy</div></div><div><br></div><div><div>-------- Original message --------</div><div>From: Desk &lt;d@y.example&gt; </div><div>Date: 16/11/2026  15:04  (GMT+01:00) </div><div>To: m@x.example </div><div>Subject: x </div><div><br></div></div>old',"NEW"),
("spark",'<div name="messageBodySection"><div>NEW</div></div><div name="messageSignatureSection"><br>Mario</div><div name="messageReplySection">On 16 Nov 2026, 15:04 +0100, Desk &lt;d@y.example&gt;, wrote:<br><blockquote type="cite">old</blockquote></div>',"NEW"),
("front",'<div>NEW</div><br><div class="front-signature">Mario</div><blockquote type="cite" class="front-blockquote">On November 16, 2026 at 3:04 PM GMT+1 d@y.example wrote:<br>old</blockquote>',"NEW"),
("yahoo new",'<html><body><div class="ydp1yahoo-style-wrap"><div>NEW</div></div><div id="ydp2yahoo_quoted_1" class="ydp2yahoo_quoted"><div>On Monday, Desk wrote:</div><div>old</div></div></body></html>',"NEW"),
("gmail wide",'<div dir="ltr">NEW</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">On Mon, Nov 16, 2026 at 3:04 PM Desk wrote:<br></div><blockquote class="gmail_quote">old</blockquote></div>',"NEW"),
("gmail inline",'<div class="gmail_quote"><div class="gmail_attr">On Mon, Nov 16, 2026 at 3:04 PM Desk wrote:<br></div><blockquote class="gmail_quote"><div>which floor?</div></blockquote><div>NEW third</div></div>',"NEW third"),
("lotus",'<font>NEW</font><br><br><br><table><tr><td><font>From:</font><td><font>Desk &lt;d@y.example&gt;</font><tr><td>To:<td>M<tr><td>Date:<td>16/11/2026 15:04<tr><td>Subject:<td>x</table><hr noshade><br>old',"NEW"),
("outlook de",'<div class=WordSection1><p class=MsoNormal>NEW<o:p></o:p></p><p class=MsoNormal>Mit freundlichen Gr&uuml;&szlig;en<o:p></o:p></p><p class=MsoNormal>Hans M&uuml;ller<o:p></o:p></p><div><div style="border-top:solid"><p class=MsoNormal><b>Von:</b> Desk &lt;d@y.example&gt; <br><b>Gesendet:</b> Montag, 16. November 2026 15:04<br><b>An:</b> Hans<br><b>Betreff:</b> x<o:p></o:p></p></div></div><p>alt</p></div>',"NEW"),
("proton",'<div>NEW</div><div class="protonmail_signature_block"><div>Sent with Proton</div></div><div class="protonmail_quote">On Monday wrote:<br><blockquote class="protonmail_quote" type="cite">old</blockquote></div>',"NEW"),
("plain blockquote unmarked",'<p>NEW</p><p>On 16/11/2026 15:04, Desk wrote:</p><blockquote><p>old</p></blockquote>',"NEW"),
("libero html",'<div>NEW</div><blockquote>Il 16/11/2026 15:04 Desk &lt;d@y.example&gt; ha scritto:<br><div>old</div></blockquote>',"NEW"),
("gmx",'<html><body><div>NEW</div><div>&nbsp;<div style="margin: 10px 5px 5px 10px; padding: 10px 0 10px 10px; border-left:2px solid #C3D9E5;" name="quote"><div><b>Gesendet:</b> Montag, 16. November 2026 um 15:04 Uhr<br/><b>Von:</b> Desk &lt;d@y.example&gt;<br/><b>An:</b> m@x.example<br/><b>Betreff:</b> x</div>old</div></div></body></html>',"NEW"),
("user blockquote kept",'<p>As the manual says:</p><blockquote>Press start</blockquote><p>it does not start</p>',"As the manual says:\n\nPress start\n\nit does not start"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "page", "words"), [*WHOLE_PAGES, *samples("pages.txt")], ids=lambda one: one if len(one) < 40 else ""
)
def test_the_new_words_of_a_mail_in_html_alone(name: str, page: str, words: str) -> None:
    raw = b"From: m@x.example\nContent-Type: text/html; charset=utf-8\n\n" + page.encode()
    assert re.sub(r"\n\s*\n+", "\n\n", parsers.parse(raw).reply_text) == words


def test_a_page_that_only_forwards_another_mail_keeps_what_it_forwards() -> None:
    head = '<div class="gmail_attr">---------- Forwarded message ---------<br>From: Bea &lt;b@z.example&gt;<br>Date: Mon, Nov 16, 2026 at 3:04 PM<br>Subject: x<br>To: M<br></div>'
    raw = f'From: m@x.example\nContent-Type: text/html\n\n<div class="gmail_quote">{head}<br>the printer burns</div>'
    assert parsers.parse(raw.encode()).reply_text.endswith("the printer burns")


def test_a_text_is_never_cut_to_nothing_on_words_alone() -> None:
    for text in (
        "On page 5 at 12:30 the author wrote:\n\npress start",
        "From: Rome\nTo: Milan\nDate: 16/11/2026 15:04\nSeats: 2",
    ):
        assert replies.cut(text) == replies.Reply(text, text)


def test_a_page_nested_deeper_than_its_reader_goes_still_says_its_words() -> None:
    page = b"From: m@x.example\nContent-Type: text/html\n\n" + b"<div>" * 3_000 + b"the printer burns"
    assert parsers.parse(page).reply_text == "the printer burns"


# Lines that may open a signature, at least one for each way to tell one.
SECRET = "What stands here is riservatissimo and for no other destinatario than the one it names"
OPENERS = (
    *sorted(signatures._CLOSINGS), *(f"{word} from my iPhone" for word in sorted(phrases.SENT_BY)),
    *(f"von meinem iPhone {word}" for word in sorted(phrases.SENT_BY)), *(("Mario Rossi", "-- ", "-----", "- Anna") * 5),
    "<https://x.example/a> sent from Outlook", "Ringraziando, porgo distinti saluti", "Recibe un saludo", "iPhoneから送信",
    "Please excuse any typos", "Viele Grüße aus Berlin", "Virus-free. www.x.example", "Confidentiality: for you alone",
    "This e-mail is confidential", "Questo messaggio è riservato", "Haftungsausschluss", "Please consider the environment",
    "Thanks / Grazie mille", "Best", SECRET,
)  # fmt: skip
BESIDE = ("It fails since monday.", "", "", "ACME spa", "Can you come?", "yes", "the printer burns " * 8)
SIGNED = (
    ("=====", SECRET, "yes", "no", "yes"),
    ("Hello", "no", "no", "no", "", "Anna Bianchi", "Via Roma 12, 20121 Milano", "+39 06 123456"),
    ("Hello", "no", "no", "no", "-- ", *("yes",) * 58),
    ("Hello", "no", "no", "no", "<https://x.example/a> sent from Outlook", "no"),
)


def test_the_first_look_for_a_signature_passes_over_none(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(3)
    texts = [list(text) for text in SIGNED]
    for opener in OPENERS * 4:
        line = dice.choice((opener, opener.upper(), opener.title(), opener.replace("s", "ſ"), opener.replace("i", "ı")))
        line = dice.choice(("", "", "* ", "> ", "\xa0")) + line + dice.choice(("", "", ",", "!", "_", " Mario Rossi"))
        below = dice.choices(BESIDE, k=dice.choice((0, 1, 3, 8, 12, 50, 60)))
        texts.append([*dice.choices(BESIDE, k=dice.randint(4, 50)), line, *below])
    quick = [signatures.without(text, author="Mario Rossi") for text in texts]
    monkeypatch.setattr(signatures, "_places", lambda full, said, first: range(max(first, len(said) - 60), len(said)))
    assert quick == [signatures.without(text, author="Mario Rossi") for text in texts]
    assert sum(len(one) < len(text) for one, text in zip(quick, texts, strict=True)) > 300

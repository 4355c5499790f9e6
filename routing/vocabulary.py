"""Words that say nothing about a problem, words that say which problem, and names of places: data for relating reports.

All lower case without accents, as `routing.masking.plain` writes them. A stem stands for every word that begins with it.
Refuses to judge: `facts` and `relate` do.
"""

from collections.abc import Mapping

_EMPTY = (
    # Italian
    "il lo la i gli le l un uno una di a da in con su per tra fra del dello della dei degli delle al allo alla ai agli alle dal dallo"
    " dalla dai dagli dalle nel nello nella nei negli nelle sul sullo sulla sui sugli sulle e ed o od ma se che chi cui non si ci ne mi ti"
    " vi e' piu anche gia ancora solo tutto tutti tutta tutte questo questa questi queste quello quella quelli quelle quel nostro nostra"
    " nostri nostre vostro vostra vostri vostre mio mia suo sua loro noi voi io lui lei ho hai ha abbiamo avete hanno avere essere sono sei"
    " siamo siete era erano stato stata stati state sia siano c d come quando dove perche pero quindi poi qui qua li la ora adesso oggi"
    " ieri"
    " stamattina stamane mattina pomeriggio sera momento circa mezz ora ore minuti giorni da' dice dicono risulta risultano po quale quali"
    " molto cosa niente nulla nessuno nessuna viene vengono fa fare fatto puo possono potete potreste potrebbe posso possiamo riesco"
    " riesce riescono riusciamo senza dopo prima tra verso presso fino invece dunque proprio mentre mia dell all dall nell sull un' c' d'"
    # English
    " the an and or but if of at by for from to on off is are was were be been being am do does did has have had having i you he"
    " she it we they me him her us them my your his its our their this that these those there here what which who when where why how not no"
    " nor so too very can could will would shall should may might must since until about into over out up down again then than as with"
    " without now today yesterday morning afternoon some any all everybody everyone nobody anybody just also still only get gets got says"
    # German, French, Spanish
    " der die das den dem des ein eine einen einem einer und oder aber nicht ist sind war wir ihr sie es ich mit von zu zum zur auf aus bei"
    " fur im am um seit heute noch auch nur kein keine les une et ou est sont nous vous ils elle il ne pas plus dans sur pour par avec"
    " depuis ce cette ces au aux du el los las una y es son nos con por para desde hoy sin que se su sus esta este"
)
EMPTY = frozenset(_EMPTY.split())

# Greetings, thanks, urgency, chasers, telephone fillers: a report may gain or lose them and say the same.
_SOFT = (
    "buongiorn buonaser buonpomerigg salve gentil spett egreg grazie salut cordial distint hello regard thank cheers please"
    " sincer greeting pronto senta chiam telefonav volev vorre segnal richiam attes attend aspett sollecit novit aggiornament"
    " update riscontr rispost rispond risposta feedback urgen immediat cortes favor prego pregh gradire quanto prima presto"
    " possibil interven verific sapere sapete facci fammi capire support assist ulterior reminder remind follow reply answer"
    " respons advise status secondo seconda ennesim nuovament again precedent email messagg message inviat scritt segnalazion"
    " ticket richiest request colleghi tutti referent riguard merito danke bitte hallo guten freundlich gruss grusse bonjour"
    " merci cordialement salutation gracias saludos buenos estimad allora praticament niente calling chiamata phoning speaking"
    " parlo anybody someone qualcuno occupand occup looking working tuttora sempre present persist persiste continu signor buona"
    " giornata lavoro serata inoltr resto restiamo rimango rimaniamo fiduci anticipat anticipo parte circa proposito gestit"
    " gestendo presa carico stato quando notizie sviluppi progress nuova nuove"
)
SOFT = (
    *_SOFT.split(),
    "neuigkeit",
    "antwort",
    "warten",
    "warte",
)  # beginnings: of five letters or more, for shorter ones begin names too
_SOFT_EXACT = (
    "good si ok eh um yes hi far anc eta buona sera giorno qui from mano darci dirvi dirle dirti guardi guardate bye goodbye senti"
    " sentite ascolti ciao grazie hey dear kind best scusa scusi scusate scusami news asap fate aiuto aiutarci aiutarmi aiutate"
    " aiutateci aiutatemi help helps helping chase chasing chaser wait waiting waited hear heard hearing reply replies replied"
    " replying soon mail mails email emails team hola ecco okay cioe well call calls called calling sono look looks looked"
    " looking signor signora signori sign esito"
)
SOFT_EXACT = frozenset(_SOFT_EXACT.split())

# What a text begins with before it says anything; whom it greets comes after one of the first.
_GREETINGS = "buongiorno buonasera buon buona salve ciao gentile gentili gentilissimi spett spettabile spett.le egregio egregi dear hello"
OPENERS = frozenset((*_GREETINGS.split(), "hi", "hey", "good", "hallo", "guten", "bonjour", "hola", "cari", "care"))
_GREETED = "giorno sera morning afternoon evening tag team support assistenza supporto helpdesk desk help colleghi tutti all ragazzi sir"
GREETINGS = OPENERS.union(_GREETED.split())

# By these somebody says that a text comes again: a clause of nothing but them and grammar is not what it tells.
_CHASES = (
    "sollecito sollecitare sollecitiamo solleciti reminder remind reminding ricordo ricordiamo ricordarvi promemoria rimando"
    " reinvio rinvio reinoltro riprovo riscrivo scrivervi scrivo scriviamo giro contattato contattati contattata risposto"
    " risposta risposte riscontro riscontri rispondete novita notizie news aggiornamenti aggiornamento update updates attendo"
    " attesa attendiamo aspetto aspettiamo resto restiamo rimango waiting wait reply replied response answer answered heard"
    " hear following follow sapere fatemi fateci grazie mille thanks thank regards saluti cordialmente cordiali distinti"
    " sincerely wishes urgente urgent urgenza asap please kindly cortesia cortesemente gentilmente favore intervenire"
    " intervento aiutarmi aiutarci aiuto help assist look soon presto quanto prima possibile possible cari care colleghi"
    " ragazzi team sir madam signori richiesta request qui sotto below avuto avete ricevuto received had qualcuno somebody"
    " someone secondo 2nd erinnern erinnerung mochte danke bitte antwort grussen relancer relance permets merci cordialement"
    " damen herren geehrte sehr"
)
CHASES = frozenset(_CHASES.split())
# Of them those that say it in one word; any other word alone may be what somebody chose in a form.
ONE_WORD = frozenset(
    (
        "sollecito",
        "reminder",
        "promemoria",
        "grazie",
        "thanks",
        "regards",
        "saluti",
        "cordialmente",
        "sincerely",
        "urgente",
        "urgent",
        "merci",
        "danke",
    )
)
STILL = frozenset(
    ("still", "ancora", "tuttora", "again", "nuovamente", "please", "kindly", "gentilmente", "cortesemente", "just")
)

ME_TOO = (
    "stesso problema", "stessa cosa", "stesso guasto", "stesso errore", "stesso inconveniente", "idem", "anche io", "anch io",
    "anche noi", "anche da noi", "anche qui", "anche a me", "anche per me", "anche per noi", "anche nel mio", "anche nel nostro",
    "confermo",
    "mi accodo", "ci accodiamo", "mi aggiungo", "mi unisco", "pure io", "pure noi", "pure da noi", "vale anche", "same here",
    "same problem",
    "same issue", "me too", "us too", "here too", "as well", "likewise", "same for", "so do we", "+1", "can confirm", "also affected",
    "also happening", "same thing", "same error", "we have it too", "we have this too", "ditto", "geht uns auch", "bei uns auch", "pareil",
    "lo mismo", "nous aussi", "nosotros tambien",
)  # fmt: skip

# A text with none of these tells no trouble: it asks for something, and may ask for the same again.
_TROUBLED = (
    "guast rott ferm blocc error erro anomal problem disserv malfunz fail fall crash broken broke dead down slow lent rallent lost pers"
    " cadut cade caduc wrong sbagliat errat doppi duplic twice scadut expired full pien esaur vuot blank spent offline irraggiung unreach"
    " interrot stuck hang freez congel piant impossib imposs unable cannot refus respint rifiut reject denied negat bounc mut muto lampegg"
    " fuori outage missing manca mancan sparit disappear weird strano stran virus cifrat alarm allarm fumo smoke perdit leak corrupt corrot"
    " fissa stopped bianc invis locked stops instabil singhiozz intermitt annull respons timeout"
)
TROUBLED = tuple(_TROUBLED.split())
_TROUBLED_EXACT = (
    "giu non no not nessuno nessuna nobody none never mai neanche nemmeno senza without isn t doesn don ko"
)
TROUBLED_EXACT = frozenset(_TROUBLED_EXACT.split())
_DENIES = (
    "non not isn aren doesn don didn won wouldn wasn weren hasn haven couldn cannot cant never mai senza without nicht kein keine pas"
    " nunca nao"
)
DENIES = frozenset(_DENIES.split())
REMINDS = (
    "sollecit", "reminder", "remind", "promemoria", "riscontr", "follow up", "following up", "still waiting", "any update", "any news",
    "aggiornamenti", "come gia scritto", "come da mia", "rimando", "rinvio", "reinvio", "resend", "sending again", "again", "di nuovo",
    "nuovamente", "secondo invio", "vedi sotto",
)  # fmt: skip

# What somebody writes when the trouble is over, after "a" pronoun and verb that do not matter.
_WORKS = (
    "works?|working|worked|answers?|answering|responds?|responding|accepts?|accepting|prints?|printing|opens?|connects?|reachable|online"
    "|available|up|running|runs?|ok|fine|usable|normal|goes|go"
)
_FUNZIONA = (
    r"funzion\w+|rispond\w+|va|vanno|accett\w+|stamp\w+|apr\w+|apert\w+|raggiungibil\w|partit\w|parte|online|attiv\w|su|ok"
    r"|regola\w+"
)
OVER_AGAIN = (
    rf"(?:{_WORKS}) (?:\w+ ){{0,3}}(?:again|now)|(?:again|now) (?:{_WORKS})|(?:is|are|s|re|came|come|comes) back"
    r"|back (?:to normal|online|up)"
    r"|resolved|solved|fixed|recovered|restored|repaired|all (?:good|fine|ok|well)|false alarm|never mind|nevermind|(?:be|please) closed?"
    rf"|(?:di nuovo|ora|adesso|nuovamente|finalmente) (?:{_FUNZIONA})|(?:{_FUNZIONA}) (?:\w+ ){{0,3}}(?:di nuovo|nuovamente)"
    r"|tornat\w (?:\w+ ){0,2}(?:a|su|online|attiv\w|normal\w|regolar\w+|ok|disponibil\w|raggiungibil\w)"
    r"|tutto (?:a posto|ok|bene|regolare|rientrato)"
    r"|risolt\w|ripristinat\w|rientrat\w|riparat\w|ripartit\w|ripres\w|sistemat\w|come non detto|falso allarme|potete chiudere"
    r"|wieder (?:da|erreichbar|online|ok|normal)|(?:geht|funktioniert|lauft|lauf) wieder|behoben|erledigt|fehlalarm"
    r"|(?:remarche|refonctionne)|(?:fonctionne|marche) (?:a nouveau|de nouveau)|resolue?|retabli\w*|fausse alerte"
    r"|resuelt\w|(?:vuelve|volvio) a|ya funciona|falsa alarma|resolvid\w|voltou a|ja funciona|falso alarme"
)

# Words of one meaning, by their beginnings: what one calls a crash, another says quits. For suggestions alone; the first is its name.
_ALIKE = (
    "save sav salv|login logon signin sso acced entrare autentic authentic redirect|export esport download scaric csv comma"
    "|upload import caric|crash quit exit terminat clos chiud kill abort arresta stops ends gone"
    "|slow lent freez congel hang stuck impieg attend frozen seconds minut minute lungo|error exception errore fail fallit"
    "|empty vuot blank header|missing manc lost pers spar disappear ignor include compaion mai never"
    "|double dupl doppi twice duplic identic|mail email messag notific notif|print stamp pdf document margin|search ricerc cerc find lookup"
    "|calendar calend appunt event eventi meeting agenda|hour ora orar fuso timezone|file alleg attach|memory memor oom heap leak rss ram"
    "|device phone cellul mobile telefon android tablet|theme tema dark night|colour color contrast unread invisib label illegg"
    "|window screen scherm finestr display monitor|scan qr camera barcode codes|rotat turn orientat|total somma sommat import_o amount"
    "|tax iva impost vat|retry retr ripet resen again callback webhook endpoint|customer client anagraf|order ordin"
    "|settings setting prefer impostazion configur profil|job task schedul planned daemon agent process"
    "|icon toolbar imag button pulsant|path directory folder cartell percors|accents accent umlaut unicode utf charset codifica"
    "|column colonn|row righe riga|reset recover|link url|filter filtr|start startup launch avvi|delete cancell remov elimin"
    "|update aggiorn upgrad version release|keyboard tastier typing digit|cursor focus caret|selection selezion block|debug breakpoint"
    "|tooltip hover popup|suggestion complet assist autocomp proposal|undo annull revert|scroll scrollbar barra|icons blurry sfocat fuzzy"
)
ALIKE: Mapping[str, str] = {
    word.replace("_", ""): f"syn{group.partition(' ')[0]}" for group in _ALIKE.split("|") for word in group.split()
}

SECOND_MATTER = (
    "inoltre", "in aggiunta", "altra cosa", "un altra", "un altro problema", "altro problema", "altro argomento", "gia che ci siamo",
    "gia che ci sono", "colgo l occasione", "a parte questo", "in piu vorre", "in piu avre", "nel contempo", "contestualmente",
    "approfitto", "per il resto", "secondo problema", "seconda cosa", "oltre a questo", "oltre a cio", "infine", "e poi vorre",
    "also", "in addition", "additionally", "furthermore", "besides", "another thing", "another issue", "another problem", "one more thing",
    "by the way", "moreover", "separately", "on another note", "on a different note", "while i am at it", "while we are at it",
    "da quando avete", "da quando li avete", "da quando e venuto", "dopo il vostro", "dopo la vostra", "visto che avete", "il mese scorso",
    "del mese scorso", "quanto costa", "quando arriva", "since you", "since your", "after your", "last month", "how much", "when will",
    "second issue", "apart from that", "p s", "ps", "ausserdem", "zudem", "par ailleurs", "en outre", "de plus", "ademas", "por otra parte",
)  # fmt: skip

# What kind of trouble a text speaks of: strong words say it alone, weak ones only together with others.
TOPICS: Mapping[str, tuple[str, str]] = {
    "vpn": (
        "vpn|tunnel|smart working|accesso remoto|remote access|remote users|home workers|telelavoro|forticlient|anyconnect|globalprotect"
        "|openvpn|wireguard|working from home|homeoffice|home office|da remoto|lavoro agile|teletrabajo|teletravail",
        "da casa|client|collegarmi|gateway|verifica credenziali",
    ),
    "website": (
        "sito|website|e-commerce|ecommerce|negozio online|shop online|online shop|webshop|web shop|bad gateway|ordini online|nginx|portale"
        "|homepage|webseite|site web|pagina web|checkout|online orders|landing|web site|carrello",
        "502|503|504|shop|vendite|pagina|gateway|clienti|www",
    ),
    "invoice": (
        "fattur|invoice|addebit|nota di credito|credit note|storno|rechnung|factura|facture|billing|billed|overcharg|doppio pagamento",
        "importo|canone|documento|contratto|charge|amount|amministrazione",
    ),
    "account": (
        "password|passwort|utente bloccat|account bloccat|account lock|locked account|credenzial|sblocc|unlock|locked out|mot de passe"
        "|contrasena|kennwort"
        "|login|accedere con|otp|mfa|autenticazione a due|two-factor|ripristino della password",
        "utenza|utente|account|bloccat|reset|user|accedere|tentativ|scadut|locked|sign in|log in",
    ),
    "files": (
        "cartell|percorso di rete|network path|shared folder|shares|file server|fileserver|unita di rete|network drive|disco di rete"
        "|netzlaufwerk|dossier partag|carpetas|mapped drive|condivis",
        "server|file|gestionale|programma|documenti",
    ),
    "server": (
        "host down|server down|server giu|server fermo|server offline|serveur|servidor",
        "server|srv|raggiungibil|risponde|reach|riavvi|reboot|giu|fermo",
    ),
    "disk": (
        "spazio|no space|disk full|disk space|disco pieno|out of space|volume|storage|speicherplatz|festplatte voll|espace disque"
        "|disk usage|low space|free space",
        "disco|disk|pieno|pien|esaurit|full|salva|liberare|ampliare",
    ),
    "vm": (
        "macchina virtuale|virtual machine|macchine virtuali|vm|vmware|hypervisor|esxi|hyper-v|istanza|instance|virtuelle maschine",
        "pannello|panel|avvia|start|spent|arrestat|stopped|cloud|accend|boot|power",
    ),
    "pec": (
        "pec|posta certificata|certified mail|certified email|mancata accettazione|non-acceptance|ricevuta di accettazione",
        "casella|invio|ricevut|mailbox",
    ),
    "mail": (
        "posta elettronica|posta in arrivo|outlook|exchange|casella di posta|mailbox|e-mail non|mail non|webmail|messages bounce|posta"
        " in uscita"
        "|mail server|incoming mail|outgoing mail|postfach|correo|messagerie|undeliver|mail delivery|ricevere mail|inviare mail",
        "posta|mail|email|casella|smtp|imap|ricev|inviare|invio|arriv|respint|bounc",
    ),
    "scan": (
        "scan|scans|scanner|scansion|scanned|scanning|fotocopiatric|multifunzion|copier|photocopier|numeris|escaner",
        "documenti|smtp|casella|copie",
    ),
    "print": (
        "stampa|stampant|print|toner|drucker|imprim|impresora|plotter|etichettatric|spooler|carta inceppata|paper jam",
        "carta|code|coda|fogli|label",
    ),
    "pos": (
        "pos|bancomat|cassa|casse|till|card terminal|terminale di pagamento|pagamenti elettronici|cash register|kasse|payment terminal"
        "|checkout terminal"
        "|carte di credito|datafono|scontrin|card payment|registratore",
        "carta|carte|card|terminal|transazion|contanti|negozio|store|pagament|incass|linea assente|declin",
    ),
    "badge": (
        "badge|tessera|tessere|portone|varco|varchi|tornell|controllo accessi|access control|turnstile|door reader|lettore della porta"
        "|ausweis|key card|keycard"
        "|porta d ingresso|entry card|serratura",
        "porta|door|lettore|reader|ingresso|entrance|card|entra|cancello|gate|timbr|lampeggia",
    ),
    "malware": (
        "virus|riscatto|ransom|cifrat|encrypted|malware|trojan|leggimi|phishing|hacker|compromess|crittografat|erpresser|estension|readme",
        "pagamento|file|documenti|finestra|scollegat|renamed|rinominat|sospett",
    ),
    "backup": (
        "backup|veeam|copia di sicurezza|nastro|tape|sicherung|sauvegarde|copia de seguridad|restore point|salvataggio notturno",
        "job|notturn|nightly|fallit|failed|copia",
    ),
    "erp": (
        "gestionale|erp|sap|contabilita|zucchetti|navision|dynamics|as400|warehouse system|magazzino software|wms|crm",
        "programma|maschera|ordini|apre|modulo|ddt|bolle",
    ),
    "phone": (
        "telefon|centralin|voip|pbx|phone system|phone line|cornett|squill|desk phone|switchboard|telephon|sip|handset|dial tone"
        "|segreteria telefonica"
        "|incoming calls|chiamate in entrata|chiamate in uscita|outbound calls",
        "interno|chiamat|linea|linee|extension|calls|chiamare|dial|numero verde",
    ),
    "internet": (
        "internet|fibra|adsl|connettivita|connettivit|router|bandwidth|broadband|wan|isp|linea dati|collegamento dati|navigare|leased"
        " line|fibre",
        "linea|rete|network|lent|connession|connection|offline|down|line|slow",
    ),
    "wifi": ("wifi|wi-fi|wireless|access point|wlan|rete senza fili|hotspot", "rete|copertura|segnale|ospiti|guest|signal"),
    "certificate": (
        "certificato ssl|ssl|tls|https|certificate expired|certificato scaduto|certificato non valido|invalid certificate",
        "certificat|scadut|expired|browser",
    ),
    "dns": ("dns|nameserver|record mx|dominio scad|domain expired", "dominio|domain|record|resolve"),
    "database": ("database|db|sql|oracle|mysql|postgres|deadlock|datenbank", "query|tabell|lent"),
    "attendance": ("timbratur|time clock|marcatempo|rilevazione presenze|attendance|stempel", "presenz|timbr|entrat"),
    "camera": ("telecamer|videosorveglian|cctv|nvr|surveillance|camera feed", "camera|registrazion|video|recording"),
    "power": (
        "ups|gruppo di continuita|blackout|mancanza di corrente|power outage|power failure|corrente elettrica|stromausfall",
        "corrente|batter|power|electric",
    ),
    "temperature": ("temperatur|condizionator|condizionament|air conditioning|overheat|surriscald|climatizz", "caldo|rack|hot|sala"),
    "meeting": (
        "teams|zoom|videoconferenz|video conference|webex|proiettore|projector|sala riunioni",
        "riunion|meeting|audio|microfon|webcam",
    ),
    "barcode": ("barcode|codice a barre|palmar|handheld|lettore codici|terminalin|pistola laser|rf gun", "lettor|magazzin|scanner"),
    "edi": ("edi|edifact|flussi ordini|tracciat|fatturazione elettronica|sdi|e-invoic", "fluss|ordini|invio|scart"),
    "line": ("linea di produzione|production line|plc|scada|macchinario|robot|mes", "produzion|impiant|fermo"),
    "desktop": (
        "schermo blu|blue screen|monitor|mouse|tastiera|keyboard|laptop|notebook|portatil|schermo nero|black screen",
        "pc|computer|accend",
    ),
    "licence": ("licenz|license|licence|preventiv|quotation|rinnov|renew|attivazione prodotto", "offert|contratt|quote"),
}  # fmt: skip

# Troubles of a service that several customers share, so that one at several customers may be one fault.
_SHARED = "vpn website files server vm pec mail backup erp phone internet dns database certificate edi pos account"
SHARED_SERVICES = frozenset(_SHARED.split())

# Places by the name we know them under; what is not here is found by what stands before it.
_PLACES = (
    "milano/milan/mailand torino/turin/turino roma/rome/rom firenze/florence/florenz venezia/venice/venedig napoli/naples/neapel"
    " genova/genoa/genua"
    " padova/padua bologna verona vicenza treviso trieste udine trento bolzano/bozen brescia bergamo monza lecco varese como cremona"
    " mantova/mantua"
    " pavia lodi piacenza parma reggio modena ferrara ravenna rimini forli cesena ancona pesaro perugia terni pescara chieti teramo"
    " campobasso"
    " caserta salerno avellino benevento bari lecce taranto foggia brindisi matera cosenza catanzaro palermo catania messina siracusa"
    " trapani"
    " cagliari sassari olbia livorno pisa lucca pistoia prato arezzo siena grosseto massa carrara savona imperia alessandria asti"
    " novara vercelli"
    " biella cuneo aosta assago cinisello arzano rho sesto segrate agrate marghera mestre pomezia melzo carugate rozzano settimo moncalieri"
    " collegno grugliasco sassuolo carpi imola faenza schio bassano conegliano montebelluna pordenone monfalcone fidenza"
    " london/londra paris/parigi lyon/lione marseille/marsiglia nizza/nice toulouse/tolosa bordeaux lille strasbourg/strasburgo leeds"
    " manchester"
    " birmingham liverpool bristol glasgow edinburgh/edimburgo cardiff belfast dublin/dublino berlin/berlino munich/munchen/muenchen/monaco"
    " hamburg/amburgo frankfurt/francoforte koln/cologne/colonia stuttgart/stoccarda dusseldorf leipzig/lipsia vienna/wien graz"
    " zurich/zurigo"
    " geneva/ginevra/geneve lugano basel/basilea bern/berna madrid barcelona/barcellona valencia sevilla/siviglia bilbao"
    " lisbon/lisbona/lisboa porto"
    " amsterdam rotterdam brussels/bruxelles antwerp/anversa luxembourg copenhagen/copenaghen stockholm/stoccolma oslo helsinki"
    " warsaw/varsavia"
    " krakow/cracovia prague/praga budapest bucharest/bucarest sofia athens/atene istanbul zagreb/zagabria ljubljana/lubiana boston chicago"
    " seattle dallas houston toronto dubai singapore tokyo shanghai"
)
PLACES: Mapping[str, str] = {
    name: names.split("/")[0] for names in _PLACES.split() for name in names.split("/") if name not in ("rom", "nice")
}
_AMBIGUOUS = "porto massa como prato imperia monaco asti rho sesto settimo colonia reggio sofia graz bern"
NOT_BARE = frozenset(_AMBIGUOUS.split())
_SITES = (
    "stabilimento/plant/factory/werk magazzino/warehouse/deposito/depot/lager edificio/building/palazzina/gebaude"
    " filiale/branch/agenzia negozio/store/shop/pdv sede/site/office/ufficio capannone/hall piano/floor reparto/department"
    " linea/line sala/room hub cantiere polo"
)
SITES: Mapping[str, str] = {one: names.split("/")[0] for names in _SITES.split() for one in names.split("/")}

# What a call and a mail of one matter may differ in, besides words for trouble: how something fails and is used, who tells it. Verbs
# and the like, by their beginnings; no noun that names a thing, a room or a person.
_NEUTRAL = (
    "nuovo cresce invia invio inviano prova provo provato provare proviamo stiamo sto zero files job jobs device devices nessun dovuto"
    " chiediamo va vanno vado vada andare andato andata andati dare dia dato sta stanno stare stava stavo fa fanno faceva fatta"
    " fatte fatti viene vengono venire venuto esce escono uscire uscito entra entrano entrare sale salgono salire scende"
    " scendono parte partono partire partito torna tornano tornare tornato resta restano rimane rimangono rimasto apre aprono"
    " aprire aperto apro chiude chiudono chiudere legge leggono leggere leggo prende prendono prendere preso premo preme"
    " premere tocca tocchiamo tocco usa uso usare usano usiamo vede vedo vediamo vedere visto vista dice dicono detto dire dico"
    " chiede chiedono chiedo chiesto chiedere manda mandano mandare mando salva salvano salvare salvo trova trovano trovo"
    " trovare perde perdono perdiamo perdendo mette mettere messo tiene tengono serve servono servirebbe cerca cerco cercare"
    " cercato vuole vogliono voglio capita capitato succede succedono successo passa passano passare gira girano sembra pare sa"
    " sappiamo gia sotto sopra davanti dietro subito ad alcuni alcune altri altre altro altra stesso stessa stessi stesse"
    " uguale via ancora spesso ogni volta mentre appena quasi proprio completamente totalmente improvvisamente continuamente"
    " ultimamente purtroppo normalmente correttamente bene male tardi notte stanotte casa poco gente voce fila coda turno"
    " fretta caos urgenza clienti cliente utenti utente persone colleghi collega ragazzi tutti tutte nessuno ognuno stamani"
    " stasera lunedi martedi mercoledi giovedi venerdi sabato domenica gennaio febbraio marzo aprile maggio giugno luglio"
    " agosto settembre ottobre novembre dicembre monday tuesday wednesday thursday friday saturday sunday january february"
    " march april june july august september october november december settimana mese week month year day night last next"
    " previous earlier later soon late early cosa cose roba sistema sistemi servizio servizi service services problema problemi"
    " problem problems issue issues guasto fault messaggio messaggi message messages avviso avvisi notice scritta finestra"
    " window schermata screen screens dialog procedura operazione funzione motivo causa situazione caso be being been get got"
    " getting go goes going gone come comes came coming make makes made making take takes taking took keep keeps kept keeping"
    " turn turns turned turning try tries tried trying use uses used using see sees seen seeing saw say says said saying tell"
    " tells told telling know knows show shows showed showing shown appear appears appeared open opens opened opening close"
    " closes read reads reading write writes load loads loading start starts started starting run runs running work works"
    " worked working connect connects connecting connected accept accepts accepting send sends sending sent receive receives"
    " receiving reach reaches reaching access accessing enter enters entering log logging sign find finds found look put puts"
    " give gives gave giving ask asks asking asked need needs needed want wants happen happens happened seem seems return"
    " returns returned affect affects affected lose loses losing wait press pressed tap touch touched leave leaves left stay"
    " stays remain remains bring brings let lets save saves saving even anymore already always never often suddenly completely"
    " totally properly correctly currently every each whole entire several many few lot same other others another different"
    " people person staff team user users client clients customer customers colleague colleagues everybody everyone nobody"
    " anybody queue line rush home geht gehen ging lauft laufen funktioniert funktionieren startet starten offnet offnen"
    " schliesst zeigt zeigen kommt kommen bleibt bleiben druckt nimmt macht machen verbindet verbinden lasst konnen kann mehr"
    " alle immer mal tag hat haben kollegen kunden nutzer leute gleiche marche marchent fonctionne fonctionnent ouvre ouvrir"
    " demarre affiche reste restent arrive arrivent peut peuvent tous toutes personne collegues toujours meme sede site office"
    " ufficio uffici filiale branch agenzia negozio store shop"
)
NEUTRAL = frozenset(_NEUTRAL.split())
_NEUTRAL_FROM = (
    "insufficien differen divers riferim funzion connett collegar collegat collegh accett ricev inviat inviar invian utilizz"
    " scriv scritt richiam risult riprov riavvi compar mostr accend acced access raggiung restart lavora lavori vendit scadenz"
    " segnala ripet ripres contin riesc verific controll comunic confer riport sincron aggiorn visualizz download upload scaric"
    " riconosc respond rispon carica carico avvia avviar avvio arriva arrivan arrivat"
)
NEUTRAL_FROM = tuple(_NEUTRAL_FROM.split())

# Numbers as people say them. "prima" and "first" are told from "before" by what stands around them.
_CARDINALS = (
    "uno one ein/due two zwei deux/tre three drei trois/quattro four vier quatre/cinque five funf cinq/six sechs/sette seven sieben sept"
    "/otto eight acht huit/nove nine neun neuf/dieci ten zehn dix"
)
CARDINALS: Mapping[str, str] = {
    word: str(n) for n, words in enumerate(_CARDINALS.split("/"), 1) for word in words.split()
}
_ORDINALS = (
    "primo prima first erste ersten premier/secondo seconda second zweite zweiten/terzo terza third dritte dritten/quarto quarta fourth"
    " vierte vierten/quinto quinta fifth/sesto sesta sixth/settimo settima seventh/ottavo ottava eighth"
)
ORDINALS: Mapping[str, str] = {
    word: str(n) for n, words in enumerate(_ORDINALS.split("/"), 1) for word in words.split()
}
_QUANTITIES = (
    "volta volte time times minuti minuto minutes ore ora hours hour giorni giorno days day tentativi attempts"
    " settimane settimana weeks mesi"
    " months anni years persone people utenti users colleghi gradi degrees euro gb mb tb sollecito reminder me noi loro invio"
)
QUANTITIES = frozenset(_QUANTITIES.split())
# Halves of which the other one is another matter.
_OPPOSITES = (
    "entrata uscita upstairs downstairs destra sinistra left right nord sud est ovest north south east west esterno"
    " esterna interna maschile"
    " femminile"
)
OPPOSITES = frozenset(_OPPOSITES.split())
HALVES_OF_A_DAY = frozenset(
    ("mattina", "pomeriggio", "sera", "notte", "morning", "evening", "night")
)  # behind "di": a shift
_LETTERED = (
    "porta door gate varco disco drive disk unita partizione scala stair cella cell linea line edificio building"
    " palazzina stabilimento plant"
    " sala aula forno oven nastro belt halle freezer cassa till baia bay corsia lane zona zone ingresso entrance"
    " cancello reparto torre tower"
    " blocco block"
)
LETTERED = frozenset(_LETTERED.split())

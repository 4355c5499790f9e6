"""Words that mail programs and people put around what they write, per language. Data only; `replies` judges with it."""

# The verb of "On <date>, <who> wrote:". Alone it proves nothing: a date, a time, an address or a quote must stand by.
WROTE = (
    "wrote", "writes", "said the following", "ha scritto", "scrive", "scriveva", "schrieb", "a écrit", "a ecrit",
    "écrivait", "escribió", "escribio", "ha escrito", "escreveu", "schreef", "heeft geschreven", "napisał(a)",
    "napisał", "napisała", "pisze", "skrev", "kirjoitti", "napsal(a)", "napsal", "napsala", "írta", "a scris",
    "написал", "написала", "пишет", "писал", "написав", "пише", "yazdı", "έγραψε", "写道", "寫道", "書きました",
    "のメール", "작성", "كتب", "כתב", "כתבה", "đã viết", "rašė", "quoting", "zitat von", "citando", "citazione di",
    "quoted", "je napisao", "je napisal", "het volgende geschreven", "folgendes geschrieben", "napisana przez", "napísal(a)", "napísal",
    "napísala", "menulis", "va escriure", "написа", "kirjutas", "rakstīja", "napisao je", "napisala je", "napisala",
    "เขียนว่า", "تمت كتابة ما يلي", "skrifaði", "parašė", "escribiu", "idatzi du", "نوشت",
)  # fmt: skip

# How such a line begins, so that one broken over several lines is found from its start.
LEAD = (
    "on", "at", "in", "il", "il giorno", "in data", "alle", "am", "um", "le", "el", "em", "no dia", "a", "às", "op",
    "w dniu", "dnia", "den", "på", "dne", "pe", "în", "в", "vào",
)  # fmt: skip

FROM = (
    "from", "von", "de", "da", "van", "från", "fra", "od", "от", "від", "发件人", "寄件者", "差出人", "보낸 사람",
    "lähettäjä",
    "feladó", "kimden", "από", "mittente", "expéditeur", "remitente", "remetente", "absender", "reply-to", "de la",
    "từ", "pošiljatelj", "pošiljalec", "saatja", "nuo", "dari", "จาก", "מאת", "من", "寄件人", "發件人", "送信者",
    "afzender", "avsändare", "nadawca", "mitt.", "sender",
)  # fmt: skip
SENT = (
    "sent", "date", "gesendet", "datum", "inviato", "data", "envoyé", "envoyé le", "enviado", "enviado el",
    "enviada em",
    "enviado em", "fecha", "verzonden", "skickat", "sendt", "dato", "wysłano", "отправлено", "дата", "发送时间", "日期",
    "送信日時", "日時", "보낸 날짜", "odesláno", "tarih", "date sent", "inviato il", "data e ora", "sent at", "trimis",
    "στάλθηκε", "ημερομηνία", "elküldve", "dátum", "odoslané", "lähetetty", "päivämäärä", "gönderildi",
    "gönderme tarihi", "đã gửi", "ngày", "надіслано", "изпратено", "poslano", "poslato", "saadetud", "nosūtīts",
    "išsiųsta", "dikirim", "tanggal", "ส่งเมื่อ", "נשלח", "تاريخ الإرسال", "寄件日期", "傳送日期", "發送時間", "보낸 시간", "日付",
    "enviat", "envoyée", "datum/zeit", "fecha de envío", "data wysłania", "verzonden op", "sent on", "wysłane", "date d'envoi",
    "gesendet am", "inviata", "data invio", "data di invio", "enviado em",
)  # fmt: skip
TO = (
    "to", "an", "a", "à", "para", "aan", "till", "til", "do", "кому", "收件人", "宛先", "받는 사람", "komu",
    "destinatario",
    "destinataire", "pour", "empfänger", "destinatário", "kime", "către", "προς", "címzett", "vastaanottaja", "saaja",
    "tới", "đến", "до", "kepada", "ถึง", "אל", "إلى", "收件者", "받는사람", "per a",
    "ontvanger", "mottagare", "modtager", "odbiorca", "destinatari",
)  # fmt: skip
SUBJECT = (
    "subject", "betreff", "oggetto", "ogg", "objet", "sujet", "asunto", "assunto", "onderwerp", "ämne", "emne",
    "temat",
    "тема", "主题", "主旨", "件名", "제목", "předmět", "konu", "aihe", "subiect", "θέμα", "tárgy", "predmet", "chủ đề",
    "zadeva", "teema", "tēma", "tema", "subjek", "perihal", "เรื่อง", "נושא", "الموضوع", "assumpte", "主題",
)  # fmt: skip
BESIDE = (
    "cc", "ccn", "bcc", "cci", "kopie", "copia", "cópia", "copie à", "kopia", "importance", "importanza", "priority",
    "priorità", "wichtigkeit", "prioridad", "attachments", "allegati", "allegato", "anlagen", "reply to",
    "rispondi a",
    "organization", "mailed-by",
)  # fmt: skip

# Between dashes: the old message follows.
ORIGINAL = (
    "original message", "original mail", "original email", "original appointment", "messaggio originale",
    "messaggio inoltrato", "il messaggio originale", "ursprüngliche nachricht", "originalnachricht",
    "ursprüngliche mail",
    "original-nachricht", "weitergeleitete nachricht", "message d'origine", "message d’origine", "message original",
    "message originel", "message initial", "mail original", "courriel original", "e-mail d'origine", "e-mail original",
    "email original", "correo original", "message transféré", "message transmis", "mensaje original",
    "mensaje reenviado", "mensagem original", "mensagem encaminhada", "oorspronkelijk bericht",
    "doorgestuurd bericht", "ursprungligt meddelande", "vidarebefordrat meddelande", "oprindelig meddelelse",
    "opprinnelig melding", "wiadomość oryginalna", "исходное сообщение", "пересылаемое сообщение", "původní zpráva",
    "原始邮件", "轉寄郵件", "転送メッセージ", "forwarded message", "forwarded mail", "forwarded by", "reply message",
    "inoltrato da", "in risposta a", "replied message", "oryginalna wiadomość", "oprindelig besked",
    "alkuperäinen viesti", "původní e-mail", "pôvodná správa", "eredeti üzenet", "mesaj original", "mesajul original",
    "orijinal mesaj", "orijinal ileti", "izvorna poruka", "αρχικό μήνυμα", "원본 메시지", "원본 이메일", "元のメッセージ",
    "videresendt meddelelse", "videresendt melding", "přeposlaná zpráva", "przekazana wiadomość",
    "wiadomość przekazana dalej", "továbbított üzenet", "välitetty viesti", "iletilen mesaj", "转发邮件", "轉寄的郵件", "전달된 메시지",
    "originalmeddelande", "原邮件", "原始郵件", "原始信件", "missatge original", "thư gốc", "pesan asli", "оригинално съобщение",
    "оригінальне повідомлення", "הודעה מקורית", "الرسالة الأصلية", "antwort nachricht", "messaggio di risposta",
)  # fmt: skip

# A whole line that opens a forwarded message, without dashes (Apple Mail and others).
FORWARD = (
    "begin forwarded message", "inizio messaggio inoltrato", "inizio del messaggio inoltrato",
    "anfang der weitergeleiteten nachricht", "anfang der weitergeleiteten e-mail", "début du message transféré",
    "début du message réexpédié", "inicio del mensaje reenviado", "início da mensagem encaminhada",
    "início da mensagem reencaminhada", "begin doorgestuurd bericht",
)  # fmt: skip

# A desk's own mark: what stands above it is the answer, what stands below is the mail that was answered.
ABOVE = (
    r"(?:reply|respond|response|write|type|text|answer|comment|message)\b[^\n]{0,30} above (?:this |the )?line",
    r"(?:rispo\w+|scriv\w+|testo)\b[^\n]{0,30} sopra (?:a )?(?:questa|la) (?:riga|linea)",
    r"(?:antwort\w*|schreib\w*|text)\b[^\n]{0,30} (?:oberhalb|über) (?:dieser|diese|der) (?:zeile|linie)",
    r"(?:répon\w+|écri\w+|texte)\b[^\n]{0,30} au[- ]dessus de (?:cette|la) ligne",
    r"(?:respond\w+|respuesta|escrib\w+|conteste)\b[^\n]{0,30} (?:por )?encima de (?:esta|la) l[ií]nea",
    r"(?:respond\w+|resposta|escrev\w+)\b[^\n]{0,30} acima (?:desta|da) linha",
    r"(?:antwoord|reageer|typ)\w*\b[^\n]{0,30} boven deze (?:regel|lijn)",
)  # fmt: skip
ABOVE_WORDS = (  # one of them is in each
    " above ", " sopra ", " oberhalb ", " über ", "dessus de ", "encima de ", " acima ", " boven ",
)  # fmt: skip

# A line that is one of these closes the text; what follows is the signature. `a|b` are choices, `_` is nothing.
REGARDS = (
    "with|my|_ best|kind|kindest|warm|warmest|very|good|friendly|_ regards|rgds", "very best|kind regards",
    "best|warm|warmest|good|all wishes", "yours|_ sincerely|faithfully|truly|respectfully|cordially|warmly yours|_",
    "yours sincerely|faithfully|truly", "all the best", "with|_ warm greetings", "take care", "best greetings",
    "porgo|porgiamo|invio|inviamo|con|_ i|_ miei|nostri|più|_ più|_ cordiali|distinti|tanti|migliori|gentili|cari|"
    "affettuosi|sinceri|_ saluti", "un|_ cordiale|caro|affettuoso|gentile|_ saluto", "cordialmente", "distintamente",
    "in fede", "cordialità", "con osservanza", "buon proseguimento",
    "mit|_ freundlichen|freundliche|besten|beste|vielen|viele|lieben|liebe|schönen|schöne|herzlichen|herzliche|"
    "sonnigen|sonnige|kollegialen|_ grüßen|grüße|grüssen|grüsse|gruessen|gruesse|gruß|gruss",
    "mit|_ freundlichem|bestem|besten|lieber|liebem|schönem|_ gruß|gruss", "mfg", "hochachtungsvoll", "herzlichst",
    "mit besten|freundlichen empfehlungen", "viele|liebe grüße|grüsse aus|nach berlin|wien|zürich|münchen|hamburg|köln",
    "bien|très|_ cordialement", "bien|sincèrement à vous|toi",
    "mes|nos|avec|_ mes|nos|_ sincères|meilleures|cordiales|respectueuses|_ salutations distinguées|cordiales|_",
    "cdlt", "cdt", "amicalement", "respectueusement", "bien sincèrement", "sincèrement",
    "un|_ cordial|cordiales|afectuoso|_ saludo|saludos cordial|cordiales|_", "atentamente", "muy atentamente",
    "atenciosamente", "com|os|_ os|_ melhores|meus|nossos|_ cumprimentos", "cordiais|_ saudações", "respeitosamente",
    "reciba|reciban un cordial saludo",
    "met|_ vriendelijke|hartelijke|beste|_ groet|groeten|groetjes", "mvg", "hoogachtend",
    "mvh", "med|_ vänlig|vänliga|bästa|_ hälsning|hälsningar", "vänligen", "med|_ venlig|vennlig|beste|de|_ hilsen",
    "med|de|_ bedste|venlige|beste|_ hilsner", "serdecznie|_ pozdrawiam serdecznie|_", "z poważaniem",
    "z|_ wyrazami szacunku", "s pozdravem|pozdravom", "s přátelským pozdravem", "lep|_ pozdrav", "srdačan pozdrav",
    "ystävällisin|parhain|_ terveisin", "üdvözlettel", "cu stimă|stima|respect", "saygılarımla", "iyi çalışmalar",
    "с уважением", "с наилучшими пожеланиями", "з повагою", "з найкращими побажаннями", "με εκτίμηση", "поздрави",
    "此致", "敬具", "تحياتي", "בברכה", "cheers",
)  # fmt: skip
# These are words like others: they close a text only with a name behind or below them, or with nothing at all.
BRIEF = (
    "best", "yours", "br", "kr", "lg", "vg", "gr", "gruß", "gruss", "grüße", "att", "atte", "abs", "abraço|abraços",
    "un|_ abrazo", "love", "tschüss", "bises", "bisous", "warmly",
)  # fmt: skip
THANKS = (
    "many|_ thanks a|so|very|_ lot|much|_", "thanks in advance|again", "many|kind|best|with thanks",
    "thank you so|very|_ much|_", "thank you in advance", "thank you again", "thank u",
    "thx", "tks", "tia", "thnx", "ty", "thanking you in|_ advance|_", "thank you and|_ have a good|nice|great day",
    "thanks for your|the help|time|support|assistance|attention|understanding|cooperation|patience|advice",
    "thank you for your|the help|time|support|assistance|attention|understanding|cooperation|patience|advice",
    "talk|speak soon|later", "see you soon|_", "have a good|nice|great|lovely|wonderful|_ day|weekend|evening|week|one",
    "grazie mille|infinite|tante|ancora|_", "grazie molte", "molte|tante grazie", "grazie in|per anticipo|tutto",
    "grazie per la|il collaborazione|disponibilità|supporto|aiuto", "ringrazio", "la|vi ringrazio", "a presto",
    "buona|buon giornata|serata|lavoro|pomeriggio|weekend|settimana|fine",
    "vielen|besten|herzlichen|schönen|_ dank", "danke|dankeschön", "danke|dank im voraus", "vielen dank im voraus",
    "danke schön|sehr|vielmals", "schönen tag|abend noch|_", "bis bald|dann",
    "merci beaucoup|bien|_ d'avance|_", "merci par avance", "en vous remerciant par|d'avance avance|_",
    "bonne journée|soirée|réception|continuation|semaine", "à bientôt",
    "muchas|mil|_ gracias de|por|_ antemano|adelantado|_", "quedo atento", "ciao", "que tenga buen día",
    "muito|_ obrigado|obrigada", "grato", "grata", "desde já agradeço", "bom trabalho",
    "alvast bedankt", "bedankt", "dank je|u wel|_", "tack", "tack på förhand", "tak", "på forhånd tak|takk", "takk",
    "dziękuję", "dzięki", "děkuji", "díky", "kiitos", "köszönöm", "спасибо", "заранее спасибо", "дякую", "teşekkürler",
    "ありがとうございます", "よろしくお願いします", "よろしくお願いいたします", "谢谢", "謝謝", "감사합니다", "ευχαριστώ",
)  # fmt: skip
AND = frozenset(
    ("and", "&", "e", "ed", "und", "u.", "et", "y", "en", "och", "og", "i", "/", "-", "|", "+", "a", "és", "и")
)
# A formula that ends in a greeting; the words between are free.
FORMULA = (
    r"(?:ringrazi\w+|in attesa|nell['’]attesa|rest\w+|riman\w+|cert[oi]|dans l['’]attente|en attendant|en espera|quedo|"
    r"quedamos|a la espera|aguardo|fico|restant|looking forward|in erwartung|porg\w+|con l['’]occasione)\b.{0,80}\b"
    r"(?:saluti|saluto|cordialmente|distintamente|cordialement|salutations|saludos?|atentamente|cumprimentos|"
    r"atenciosamente|regards|grüßen)\W*$",
    "(?:je vous prie|nous vous prions|veuillez) .{0,20}(?:agréer|croire|recevoir).{0,120}",
    "recib[ae]n? .{0,40}saludos?",
    "(?:viele|liebe|schöne|herzliche|beste) grü(?:ß|ss)e (?:aus|nach|von) .{2,40}",
)

# Lines that a program adds below what was written: a word like "sent" at either end, the name of a thing near it.
SENT_BY = frozenset((
    "sent", "typed", "written", "composed", "get", "download", "inviato", "inviata", "scritto", "spedito", "scarica",
    "ottieni", "scaricare", "gesendet", "versendet", "getippt", "geschrieben", "holen", "laden", "hol", "beziehen",
    "herunterladen", "abrufen", "envoyé", "écrit", "télécharger", "téléchargez", "obtenir", "obtenez", "enviado",
    "enviada", "mandado", "obtener", "descargar", "obtén", "obter", "obtenha", "baixar", "verstuurd", "verzonden",
    "skickat", "sendt", "wysłane", "wysłano", "lähetetty", "отправлено", "odesláno", "odoslané", "elküldve", "trimis",
    "gönderildi", "gönderilmiştir", "nadesłane", "надіслано", "изпратено", "poslano", "enviat", "dikirim", "secured",
    "נשלח", "أُرسلت", "مرسل", "보냄", "보냅니다", "powered", "download", "senden", "hanki", "hämta", "pobierz",
    "στάλθηκε", "saadetud",
))  # fmt: skip
BY_WHAT = (
    r"(?:i ?phon|i ?pad|i ?pod|ios\b|android|galaxy|black ?berry|outlook|yahoo|gmail|g ?mail\b|blue ?mail|proton|tuta|"
    r"superhuman|spark\b|sparrow|airmail|mailbird|mailspring|mailbox\b|thunderbird|libero|samsung|huawei|honor\b|xiaomi|"
    r"redmi|oppo\b|\bmi \d|\bmi phone|oneplus|nokia|lumia|motorola|\bmoto\b|pixel|\bhtc\b|\blg\b|xperia|sony|windows|"
    r"mac ?book|\bmac\b|apple|k-9|verizon|vodafone|at&t|t-mobile|orange\b|movistar|claro\b|\baol\b|tablet|smart ?phone|"
    r"\w*phone\b|mobil|cellular|\bcell\b|handheld|handy\b|telefon|t[eé]l[eé]fono|téléphone|celular|móvil|telemóvel|\bpda\b|"
    r"device|dispositivo|gerät|keyboard|on the go|\bcanary\b|edison|polymail|postbox|\bnine\b|zoho|roundcube|"
    r"webmail|mail\.ru|yandex|почты|\bpec\b|\bhey\b|newton|front\b|\bshift\b|\bmail\b|missive|手机|小米|华为)"
)
PROGRAM = (
    r"(?:virus-free|mail priva di virus|virenfrei|garanti sans virus|sans virus|libre de virus|livre de vírus|absence de "
    r"virus)\b.{0,80}",
    "do you yahoo!\\?", "sent from yahoo mail.{0,60}", "发自我的.{0,30}", "發自我的.{0,30}", "(?:iphone|ipad)から送信",
    r"sent (?:from|via) (?:my|a|an)(?: [\w'’-]+){1,6}", r"please excuse (?:any |my |the )?(?:typos|brevity).{0,40}",
    r"this (?:e-?mail|message) (?:was|has been) (?:sent|scanned|checked) (?:from|by|for|with).{0,80}",
    r"questa e-?mail è stata (?:controllata|esaminata).{0,80}", r"diese e-?mail wurde von .{0,40}(?:geprüft|gescannt).{0,60}",
    r"cet e-?mail a été vérifié.{0,80}",
)  # fmt: skip

# Legal notices: as they begin, or, for a whole paragraph, what it speaks of.
DISCLAIMER = (
    r"(?:this|the information (?:contained )?in this|the contents? of this) (?:e-?mail|message|communication|"
    r"electronic mail|transmission)\b.{0,200}"
    r"(?:confidential|intended|privileged|solely)",
    r"(?:confidentiality|privacy|legal|important) (?:notice|note|disclaimer)\b", "disclaimer",
    "avviso di riservatezza", "nota di riservatezza",
    r"(?:questo|il presente|la presente|le informazioni contenute|questa|ai sensi)\b.{0,200}(?:riservat|"
    r"confidenzial|privacy|gdpr|679/2016|196/2003)",
    r"(?:diese|der inhalt dieser) (?:e-?mail|nachricht)\b.{0,200}(?:vertraulich|bestimmt|geschützt)",
    r"(?:ce|le présent|les informations contenues dans ce) (?:message|courriel|mail|"
    r"e-mail)\b.{0,200}(?:confidentiel|destinataire)",
    r"(?:este|el presente|la información contenida en este) (?:mensaje|correo|e-?mail)\b.{0,200}(?:confidencial|"
    r"destinatario|privilegiad)",
    r"(?:esta|a presente|as informações contidas nesta) (?:mensagem|e-?mail)\b.{0,200}(?:confidencia|destinatário|"
    r"privilegiad)",
    r"(?:legal |important |confidentiality )?notice: this (?:communication|e-?mail|message)", "confidentiality:",
    r"avviso? (?:legale?|de confidenciali\w+|de privaci\w+|importante:)", "aviso (?:legal|de confidencia)", "haftungsausschluss",
    "avvertenz[ae] (?:ai sensi|legal)", "clause de confidentialité", "avis de confidentialité", "vertraulichkeitshinweis",
    "informativa (?:sulla )?privacy", "if you (?:are not|have received|received) (?:the intended|this).{0,200}",
    "please consider the environment", "pensa all'ambiente", "prima di stampare", "rispetta l'ambiente",
)  # fmt: skip

SECRET = ("confiden", "privileged", "riservat", "vertraulich", "vertrouwelijk", "poufn", "důvěrn")
MEANT_FOR = (
    "recipient", "addressee", "intended", "destinatari", "empfänger", "adressat", "destinatár", "geadresseerde", "adresat",
)  # fmt: skip
# What a gateway writes above a mail from outside: how it begins, and that it warns.
BANNER_BEGINS = (
    "caution", "warning", "attention", "attenzione", "achtung", "vorsicht", "atención", "atenção", "external", "extern",
    "esterno", "externe", "externo", "be careful", "notice", "avviso", "sicherheitshinweis", "hinweis",
    "this e-mail", "this email", "this mail",
    "this message", "questa e-mail", "questa email", "questa mail", "questo messaggio",
    "il messaggio", "diese e-mail", "diese email", "diese nachricht", "cet e-mail",
    "cet email",     "ce message", "ce courriel", "este correo", "este mensaje", "este e-mail", "este email", "esta mensagem",
)  # fmt: skip
BANNER_WARNS = (
    r"(?:originat\w+|sent|came|comes|is) from (?:an? )?(?:outside|external)|(?:outside|external)\b.*\b(?:do not|don't|unless|"
    r"cautious|caution|careful|recogni[sz]e|verify)|estern[oa]\b.*\b(?:non (?:aprire|cliccare|fare)|attenzione|a meno|"
    r"verific|prestare)|(?:extern|außerhalb).*\b(?:keine|nicht|vorsicht|öffnen)|(?:extérieur|externe)\b.*\b(?:ne (?:cliquez|pas)|"
    r"n'ouvrez|prud)|(?:extern[oa]|fuera)\b.*\b(?:no (?:abra|haga)|não (?:abra|clique)|cuidado)"
)
BANNER_TAG = r"\W{0,6}(?:external|extern|esterno|externe|externo)(?: (?:e-?mail|sender|message|mail))?\W{0,6}$"

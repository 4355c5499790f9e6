"""Words that mail programs and people put around what they write, per language. Data only; `replies` judges with it."""

# The verb of "On <date>, <who> wrote:". Alone it proves nothing: a date, a time, an address or a quote must stand by.
WROTE = (
    "wrote", "writes", "said the following", "ha scritto", "scrive", "scriveva", "schrieb", "a écrit", "a ecrit",
    "écrivait", "escribió", "escribio", "ha escrito", "escreveu", "schreef", "heeft geschreven", "napisał(a)",
    "napisał", "napisała", "pisze", "skrev", "kirjoitti", "napsal(a)", "napsal", "napsala", "írta", "a scris",
    "написал", "написала", "пишет", "писал", "написав", "пише", "yazdı", "έγραψε", "写道", "寫道", "書きました",
    "のメール", "작성", "كتب", "כתב", "כתבה", "đã viết", "rašė", "quoting", "zitat von", "citando", "citazione di",
    "quoted", "je napisao", "je napisal",
)  # fmt: skip

# How such a line begins, so that one broken over several lines is found from its start.
LEAD = (
    "on", "at", "in", "il", "il giorno", "in data", "alle", "am", "um", "le", "el", "em", "no dia", "a", "às", "op",
    "w dniu", "dnia", "den", "på", "dne", "pe", "în", "в", "vào",
)  # fmt: skip

FROM = (
    "from", "von", "de", "da", "van", "från", "fra", "od", "от", "від", "发件人", "寄件者", "差出人", "보낸 사람",
    "lähettäjä",
    "feladó", "kimden", "από", "mittente", "expéditeur", "remitente", "remetente", "absender", "reply-to",
)  # fmt: skip
SENT = (
    "sent", "date", "gesendet", "datum", "inviato", "data", "envoyé", "envoyé le", "enviado", "enviado el",
    "enviada em",
    "enviado em", "fecha", "verzonden", "skickat", "sendt", "dato", "wysłano", "отправлено", "дата", "发送时间", "日期",
    "送信日時", "日時", "보낸 날짜", "odesláno", "tarih", "date sent", "inviato il", "data e ora", "sent at",
)  # fmt: skip
TO = (
    "to", "an", "a", "à", "para", "aan", "till", "til", "do", "кому", "收件人", "宛先", "받는 사람", "komu",
    "destinatario",
    "destinataire", "pour", "empfänger", "destinatário", "kime",
)  # fmt: skip
SUBJECT = (
    "subject", "betreff", "oggetto", "ogg", "objet", "sujet", "asunto", "assunto", "onderwerp", "ämne", "emne",
    "temat",
    "тема", "主题", "主旨", "件名", "제목", "předmět", "konu", "aihe",
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
    "inoltrato da", "in risposta a", "replied message",
)  # fmt: skip

# A whole line that opens a forwarded message, without dashes (Apple Mail and others).
FORWARD = (
    "begin forwarded message", "inizio messaggio inoltrato", "inizio del messaggio inoltrato",
    "anfang der weitergeleiteten nachricht", "anfang der weitergeleiteten e-mail", "début du message transféré",
    "début du message réexpédié", "inicio del mensaje reenviado", "início da mensagem encaminhada",
    "início da mensagem reencaminhada", "begin doorgestuurd bericht",
)  # fmt: skip

ABOVE = (
    "reply above this line", "type your reply above this line", "write above this line", "reply above the line",
    "rispondi sopra questa riga", "rispondere sopra questa linea", "rispondi sopra questa linea",
    "bitte antworten sie oberhalb dieser zeile", "antworten sie oberhalb dieser linie",
    "répondre au-dessus de cette ligne",
    "responda por encima de esta línea", "responda acima desta linha", "reply above line",
)  # fmt: skip

ABOVE_WORDS = ("above", "sopra", "oberhalb", "au-dessus", "encima", "acima")  # one of them is in each

# A line that is one of these closes the text; what follows is the signature.
REGARDS = (
    r"(?:(?:with |my )?(?:best|kind|kindest|warm|warmest|very best) )?regards", "best wishes",
    "yours (?:sincerely|faithfully|truly)",
    "sincerely(?: yours)?", "respectfully", "cordially", "(?:many )?thanks (?:and|&) (?:best |kind )?regards",
    "(?:porgo |porgiamo |invio )?(?:i miei |i nostri |i più )?(?:(?:più )?(?:cordiali|distinti|tanti|migliori|"
    "gentili) )?saluti",
    "(?:un )?cordial[ei] saluto", "un saluto", "cordialmente", "grazie(?: mille)? e (?:cordiali |distinti )?saluti",
    "(?:grazie[,.]? )?cordiali saluti", "in fede", "cordialità",
    "(?:mit )?(?:freundlichen|freundliche|besten|beste|vielen|viele|lieben|liebe|schönen|schöne|herzlichen|"
    "herzliche) "
    r"(?:grüßen|grüße|grüssen|grüsse|gruessen|gruesse|gruß|gruss)(?: (?:aus|nach) \w+)?",
    "mit freundlichem gruß", "mfg", "lg", "vg", "gruß", "grüße", "hochachtungsvoll",
    "(?:bien |très )?cordialement", "(?:bien|sincèrement) à (?:vous|toi)",
    "(?:mes |nos )?(?:sincères |meilleures )?salutations(?: distinguées)?",
    "cdlt", "amicalement", "bien à vous",
    "(?:un )?(?:cordial )?saludos?(?: cordial(?:es)?)?", "atentamente", "un (?:cordial )?saludo", "saludos cordiales",
    "atenciosamente", "(?:com os )?(?:melhores |meus |nossos )?cumprimentos", "att", "atte", "abraços?",
    "cordiais saudações",
    "(?:met )?(?:vriendelijke|hartelijke) groet(?:en|jes)?", "groet(?:en|jes)?", "mvg",
    "mvh", "(?:(?:med )?(?:vänliga?|bästa) )?hälsning(?:ar)?", "(?:(?:med )?ven+lig )?hilsen", "(?:de )?bedste hilsner",
    "(?:serdecznie )?pozdrawiam(?: serdecznie)?", "z poważaniem", "s pozdravem", "s pozdravom", "lep pozdrav",
    "(?:ystävällisin )?terveisin", "üdvözlettel", "cu (?:stimă|stima|respect)", "saygılarımla", "iyi çalışmalar",
    "с уважением", "з повагою", "με εκτίμηση", "cheers", "best", "all the best", "take care", "此致", "敬具",
    r"(?:ringrazi\w+|in attesa|nell['’]attesa|rest\w+|rimanendo|cert[oi])\b.{0,80}\bsaluti",
    "(?:je vous prie|nous vous prions|veuillez) .{0,20}(?:agréer|croire|recevoir).{0,120}",
    "reciban? .{0,40}saludos?",
)  # fmt: skip
THANKS = (
    "thanks", "thank you", "many thanks", "thanks a lot", "thanks in advance", "thank you in advance", "thx",
    "thanks again", "talk soon",
    "grazie", "grazie mille", "molte grazie", "grazie in anticipo", "ringrazio", "a presto", "buona giornata",
    "buon lavoro", "ciao", "buona serata", "danke", "vielen dank", "danke im voraus", "besten dank", "merci",
    "merci d'avance",
    "merci beaucoup", "bonne journée", "gracias", "muchas gracias", "gracias de antemano", "obrigado", "obrigada",
    "muito obrigado", "muito obrigada", "desde já agradeço",
)  # fmt: skip

# Lines that a program adds below what was written.
DEVICE = (
    r"sent (?:from|via|by|with|using) (?:my|the|a|mail|outlook|yahoo|gmail|samsung|iphone|ipad|android|proton|nine|"
    r"blackberry|windows|aol|"
    r"blue ?mail|spark|superhuman|front|tutanota|postbox|airmail|mailbird|canary|edison|thunderbird|libero|webmail|"
    r"an? )\b.{0,100}",
    r"get (?:outlook|bluemail|yahoo mail|mailbird) for .{0,60}",
    "inviato d(?:a|al|alla|al mio|alla mia|all')\\b.{0,80}",
    "inviato tramite .{0,60}", "(?:scarica|ottieni|scaricare) outlook per .{0,40}",
    "von mein(?:em|er) .{1,60} gesendet", r"gesendet (?:von|mit|aus|über)\b.{0,80}",
    "outlook für .{1,30}(?:herunterladen|beziehen|abrufen)", "(?:holen sie sich|laden sie) outlook für .{1,40}",
    "diese nachricht wurde von mein(?:em|er) .{1,60} gesendet.{0,20}",
    r"envoyé (?:de|depuis|à partir de|avec|par|via)\b.{0,80}",
    "(?:télécharger|obtenir|téléchargez) outlook pour .{0,40}",
    r"enviad[oa] (?:desde|do|da|de|a partir|con|pelo|via)\b.{0,80}",
    "(?:obtener|descargar|obter o|obtenha o|baixar o) outlook (?:para|for) .{0,40}",
    "verstuurd vanaf .{0,60}", "verzonden (?:vanaf|met) .{0,60}", "skickat från .{0,60}", "sendt fra .{0,60}",
    "wysłane z .{0,60}",
    "lähetetty .{0,60}", "отправлено с .{0,60}", "(?:iphone|ipad)から送信", "发自我的.{0,30}", "發自我的.{0,30}",
    "나의 iphone에서 보냄",
    r"(?:virus-free|mail priva di virus|virenfrei|garanti sans virus|libre de virus|livre de vírus)\b.{0,80}",
    "do you yahoo!\\?", "sent from yahoo mail.{0,60}",
)  # fmt: skip

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
    "please consider the environment", "pensa all'ambiente", "prima di stampare", "rispetta l'ambiente",
)  # fmt: skip

# The first words of all the above: a line that begins otherwise is no signature, and most lines do.
OPENERS = frozenset((
    "vriendelijke", "hartelijke", "groet", "groeten", "groetjes", "mvg", "vänlig", "vänliga", "bästa", "hälsning",
    "hälsningar", "venlig", "vennlig", "hilsen", "bedste", "de", "serdecznie", "z", "s", "lep", "ystävällisin",
    "terveisin", "üdvözlettel", "cu", "saygılarımla", "iyi", "з", "με", "此致", "敬具", "ringraziando", "ringraziandovi",
    "ringraziandola", "ringraziandoti", "nell'attesa", "nell’attesa", "resto", "restiamo", "restando", "rimanendo",
    "certo", "certi", "je", "nous", "veuillez", "reciba", "reciban",
    "regards", "best", "kind", "kindest", "warm", "warmest", "very", "with", "my", "yours", "sincerely",
    "respectfully", "cordially", "many", "thanks", "porgo", "porgiamo", "invio", "i", "cordiali", "distinti",
    "tanti", "migliori", "gentili", "saluti", "un", "cordiale", "cordialmente", "grazie", "in", "cordialità", "più",
    "mit", "freundlichen", "freundliche", "besten", "beste", "vielen", "viele", "lieben", "liebe", "schönen",
    "schöne", "herzlichen", "herzliche", "mfg", "lg", "vg", "gruß", "grüße", "hochachtungsvoll", "bien", "très",
    "cordialement", "sincèrement", "mes", "nos", "sincères", "meilleures", "salutations", "cdlt", "amicalement",
    "cordial", "saludo", "saludos", "atentamente", "atenciosamente", "com", "melhores", "meus", "nossos",
    "cumprimentos", "att", "atte", "abraço", "abraços", "cordiais", "met", "mvh", "med", "pozdrawiam", "с", "thank",
    "thx", "cheers", "all", "take", "talk", "molte", "ringrazio", "a", "buona", "buon", "ciao", "danke", "merci",
    "bonne", "gracias", "muchas", "obrigado", "obrigada", "muito", "desde", "sent", "get", "inviato", "scarica",
    "ottieni", "scaricare", "von", "gesendet", "holen", "laden", "outlook", "diese", "envoyé", "télécharger", "téléchargez",
    "obtenir", "enviado", "enviada", "obtener", "descargar", "obter", "obtenha", "baixar", "verstuurd", "verzonden",
    "skickat", "sendt", "wysłane", "lähetetty", "отправлено", "iphoneから送信", "ipadから送信", "나의",
    "virus-free", "mail",
    "virenfrei", "garanti", "libre", "livre", "do", "this", "the", "confidentiality", "privacy", "legal",
    "important", "disclaimer", "avviso", "nota", "questo", "il", "la", "le", "questa", "ai", "der", "ce", "les",
    "este", "el", "esta", "as", "please", "pensa", "prima", "rispetta",
))  # fmt: skip

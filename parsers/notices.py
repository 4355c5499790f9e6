"""How mail systems and responders word their notices, per language. Data only; `automatic` judges with it."""

import re

BOUNCE_SUBJECT = re.compile(
    r"^\s{0,9}\W{0,3}\s{0,9}(?:undeliver|undelivrable|returned (?:mail|to sender)|mail (?:delivery|system error)|"
    r"failure (?:notice|delivery)|delivery (?:status|"
    r"failure|failed|notification|problem|report|delay|error|has failed)|message (?:undeliverable|delivery|"
    r"could not)|non[- ]?delivery|"
    r"nondeliverable|warning: (?:message|could not send)|mail could not be delivered|unable to deliver|delayed|"
    r"(?:your )?(?:mail|message|e-?mail).{0,40}(?:not (?:be )?delivered|undeliverable|rejected|returned|failed)|"
    r"permanent (?:delivery|failure)|unzustellbar|"
    r"nicht zugestellt|zustellung|mancata consegna|impossibile recapitare|non recapitabile|recapito non riuscito|"
    r"non remis|échec (?:de la )?(?:remise|distribution)|no se puede entregar|no entregado|error de entrega|"
    r"não (?:entregue|é possível entregar)|failed to deliver|"
    r"falha (?:na|de) entrega|messaggio non (?:consegnato|recapitato)|err?ore di consegna|onbestelbaar|niedostarcz|"
    r"nie można dostarczyć|nedoručiteln|kan (?:inte|ikke) lever|olevererbar|uleverbar|ei voitu toimittaa|kézbesíthetetlen|"
    r"teslim edilemedi|iletilemedi|не ?доставлен|не удалось доставить|αδυναμία παράδοσης|配信(?:不能|エラー|できません)|"
    r"[^\n]{0,20}退信|邮件退回|未送达|無法(?:傳遞|投遞|送達)|无法(?:传递|投递|送达)|배달(?:되지|할 수)|반송|"
    r"[^\n]{0,10}(?:발송|메일|전송).{0,6}실패|"
    r"delivery expiry|user unknown|bounced|notification d.état|"
    r"notifica(?:zione)? .{0,30}(?:recapito|consegna)|"
    r"unknown user|address not found|could not be delivered|\[?postmaster\]? mail delivery|e-?mail delivery)",
    re.IGNORECASE,
)
BOUNCE_WORDS = re.compile(
    r"undeliver|(?:not|n't) (?:yet )?(?:be |been )?(?:able to )?(?:be )?deliver|deliver\w* .{0,60}(?:fail|abort|"
    r"problem|delay|unsuccess|error)|"
    r"(?:fail\w*|unable|problem\w*) .{0,30}deliver|returned (?:mail|message)|not listed|failure notice|user (?:is )?unknown|unknown user|"
    r"no such (?:user|person|account|recipient)|"
    r"mailbox (?:is )?(?:full|unavailable|not found|disabled|over)|quota (?:exceeded|full)|exceeded .{0,20}quota|"
    r"over quota|does(?:n't| not) exist|"
    r"permanent(?:ly)? (?:fatal |fail|error)|fatal error|did ?n[o']t reach|5\d\d[ -]\d\.\d\.\d|\b5\.\d\.\d\d?\b|"
    r"\b55[0-9] |invalid (?:recipient|address|final)|"
    r"recipient.{0,30}(?:reject|unknown|fail)|bounce|rejected|unzustellbar|konnte nicht zugestellt|"
    r"impossibile (?:recapitare|consegnare)|"
    r"non (?:è stato possibile|può essere) .{0,20}(?:recapit|consegn)|mancata consegna|n'a pas pu être (?:remis|"
    r"distribu)|"
    r"no se (?:pudo|puede|ha podido) entregar|error de entrega|não (?:pôde|foi|é) .{0,20}entreg|falha (?:na|de) entrega|"
    r"échec de la remise|fehler bei der .{0,20}zustellung|non (?:è|e['’]) stato (?:recapitat|consegnat)|"
    r"recapito non riuscito|(?:bezorg|aflever)\w* .{0,20}mislukt|niet (?:worden )?(?:bezorgd|afgeleverd)|"
    r"nie (?:można|została|udało się) .{0,20}dostarcz|nelze doručit|nebyla doručena|nem (?:sikerült|lehet) .{0,20}kézbesít|"
    r"(?:kan|kunde|kunne) (?:inte|ikke) lever|ei voitu toimittaa|teslim edilemedi|iletilemedi|"
    r"не (?:удалось|может быть|было|был) .{0,30}достав|не доставлен|配信(?:に失敗|できま|不能)|送信できま|お届けでき|"
    r"退(?:信|回)|无法(?:发送|投递|送达|传递)|無法(?:傳送|投遞|送達|傳遞)|실패|배달되지|전송되지|"
    r"still being|will (?:be retried|keep trying|"
    r"continue)|delayed",
    re.IGNORECASE,
)
# How a mail system begins to speak; a person who passes such words on writes something above them, or Fwd: before them.
OPENING = re.compile(
    r"[\s*|-]{0,80}(?:(?:hi|hello|sorry|notice|attention|dear[^\n]{0,40})[\s.,!:]{0,8})?(?:"
    r"this is (?:the|a|an)\b[^\n]{0,60}(?:mail (?:system|server|delivery)|delivery status|send program|daemon|agent)|"
    r"(?:this|the following) (?:message|e?-?mail|report)\b[^\n]{0,20}(?:created|generated|sent) automatically|"
    r"(?:unable|failed) to deliver (?:your |the |this )?(?:message|e?-?mail|following)|"
    r"(?:your|the|a) (?:attached |following |original |enclosed )?(?:message|e?-?mail)\b[^\n]{0,120}\n?[^\n]{0,60}"
    r"(?:(?:could|can|was|has)(?: ?not|n't) (?:be |been )?(?:delivered|sent)|undeliverable)|"
    r"delivery (?:has |to )[^\n]{0,60}fail|-+ ?(?:failure reason|transcript|the following address))",
    re.IGNORECASE,
)
DELAY = re.compile(
    r"delayed|delay\)|warning: |not yet been delivered|still being (?:retried|attempted)|will (?:be retried|"
    r"keep trying|continue (?:to be|trying))|"
    r"has been postponed|verzögert|ritardata|retardé|no action is required|do not need to (?:take|resend)",
    re.IGNORECASE,
)
SUCCESS = re.compile(
    r"\(success\)|success(?:ful|fully) (?:mail )?(?:delivery|delivered|relayed)|\(relay(?:ed)?\)|return receipt|"
    r"delivered to (?:the )?mailbox",
    re.IGNORECASE,
)

AWAY_SUBJECT = re.compile(
    r"^\s{0,9}(?:\[[^\]]{0,40}\]\s{0,9})?(?:(?:out[- ]of[- ](?:the[- ])?office|ooo)\b|(?:auto(?:matic|matische|mated|"
    r")[- ]?(?:reply|response|antwort|respons\w*|risposta|svar))|"
    r"autoreply|risposta automatica|messaggio automatico|fuori (?:ufficio|sede)|assen(?:za|te)\b|abwesen|"
    r"automatische antwort|abwesenheitsnotiz|"
    r"réponse automatique|absence|absent|respuesta autom|fuera de (?:la )?oficina|ausen|resposta autom|"
    r"fora do escrit|vacation|on (?:leave|holiday|vacation)|"
    r"automatisch antwoord|afwezig|automatiskt svar|autosvar|autom\. svar|away from|auto[- ]?respon[sd]|i(?:'m| am) out\b|"
    r"frånvaro|fravær|automatyczna odpowied|odpowied. automatyczna|poza biurem|автоматический ответ|автоответ|"
    r"автоматична відповідь|自动(?:答复|回复)|自動(?:応答|返信|回覆)|자동 ?회신|automatická odpov|mimo kancelář|"
    r"otomatik yanıt|automaattinen vastaus|poissa|automatikus válasz|răspuns automat|αυτόματη απάντηση|"
    r"automatisk[et]? svar|automatické odpov|auto(?=:)|automatski odgovor|samodejni odgovor|הודעת היעדרות|תשובה אוטומטית|رد تلقائي|"
    r"[^:?]{1,60} (?:is|ist|è|est|está) (?:currently )?(?:out of (?:the )?office|außer haus|fuori ufficio|absent|ausente))",
    re.IGNORECASE,
)
# What follows where a responder wrote the subject: the old subject behind a colon, a date in brackets, or nothing.
AWAY_FORM = re.compile(
    r"\w{0,12}(?: (?:auto[- ]?reply|reply|message|notification|notice|response|alert|assistant|du bureau|de bureau|dal lavoro|"
    r"from the office|meldung))?\s{0,3}(?:[:(.!：]|[-–] |$)",
    re.IGNORECASE,
)
AWAY_WORDS = re.compile(
    r"out of (?:the |my )?office|on (?:vacation|holiday|(?:annual |maternity |sick |parental )?leave)|"
    r"away from (?:the office|my|work)|"
    r"(?:will be|am|i'm|be) (?:away|back|returning|unavailable)|limited access to|no access to|automat(?:ic|"
    r"ed) (?:reply|response)|"
    r"sono (?:assente|in ferie|fuori)|in ferie|fuori (?:ufficio|sede)|sarò (?:assente|di ritorno)|rientrerò|"
    r"risposta automatica|"
    r"nicht (?:im (?:büro|haus)|erreichbar)|im urlaub|abwesend|wieder (?:erreichbar|im (?:büro|haus))|"
    r"absente? (?:du|jusqu|d[ue]s?)|en (?:congés?|vacances)|de retour|fuera de la oficina|de vacaciones|"
    r"estaré (?:ausente|fuera)|"
    r"fora do escritório|de férias|estarei ausente|außer haus|"
    r"no longer (?:work|employed|with (?:the|our|us)|part of|at (?:the|our))|non lavora?o? più|nicht mehr (?:bei|im unternehmen)|"
    r"ne (?:travaille|fais) plus|ya no trabaj|não trabalh\w+ mais|(?:received|recebemos|ricevuto|erhalten|reçu) (?:your|sua|la tua|"
    r"la sua|ihre|votre) (?:e-?mail|message|request|mensagem|richiesta|nachricht|demande)|"
    r"niet (?:aanwezig|op kantoor)|(?:met|op) vakantie|afwezig|semester|inte på kontoret|frånvarande|på ferie|på kontoret|"
    r"fraværende|er borte|nieobecn|poza biurem|na urlopie|в отпуске|отсутству|lomalla|poissa|mimo kancelář|dovolen[eé]|"
    r"szabadság|izinde|不在|休暇|休假|外出|부재",
    re.IGNORECASE,
)

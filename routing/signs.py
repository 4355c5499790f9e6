"""What words of a report say about it, in Italian and English: signs and the phrases that show them. Data.

A desk's own words (`screening`) say which priority or kind they mean; these say how bad it is and for whom, and
`routing.classify` weighs them. All in lower case, whole words. Refuses to judge.
"""

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    # How bad it is
    "stopped": (
        "bloccato|bloccata|bloccati|bloccate|bloccante|tutto fermo|siamo fermi|siamo ferme|è fermo|è ferma|sono fermi|sono ferme"
        "|fermo totale|fuori servizio|fuori uso|irraggiungibile|irraggiungibili|inutilizzabile|inutilizzabili|è giù|sono giù|è down"
        "|non funziona nulla|non funziona niente|non funziona più niente|non funziona più nulla|non va niente|non va più nulla"
        "|servizio interrotto|servizio non disponibile|interruzione totale|non si riesce a lavorare|non riusciamo a lavorare"
        "|non possiamo lavorare|impossibile lavorare|completamente fermo|completamente ferma|completamente fermi"
        "|blocked|is down|are down|went down|server down|system down|site down|service down|all down|completely down|outage|unreachable"
        "|unusable|at a standstill|is dead|are dead|nothing works|cannot work|can't work|can not work|unable to work|not working at all"
        "|stopped working|has stopped|have stopped|service interrupted|hard down"
    ),
    "degraded": (
        "lento|lenta|lenti|lente|lentissimo|lentissima|rallentato|rallentata|rallentamenti|a singhiozzo|a tratti|discontinuo|discontinua"
        "|intermittente|degradato|degradata|parzialmente|ogni tanto si blocca|si interrompe|instabile|prestazioni ridotte"
        "|slow|very slow|sluggish|intermittent|intermittently|degraded|unstable|keeps failing|partially"
        "|sometimes fails|on and off|timing out"
    ),
    # For whom
    "everyone": (
        "tutti gli utenti|tutti i clienti|tutte le sedi|tutti i colleghi|tutti gli uffici|tutti i negozi|tutta l'azienda|tutta la sede"
        "|tutto l'ufficio|tutto lo stabilimento|l'intera azienda|l'intera sede|per tutti|nessuno riesce|nessuno può|nessun utente"
        "|nessuno di noi|i nostri clienti|intero reparto"
        "|all users|all customers|all our customers|all sites|all offices|every user|every site|everyone|everybody|whole company"
        "|entire company|whole office|entire office|whole site|nobody can|no one can|no user can|none of our users|company-wide"
    ),
    "production": (
        "in produzione|la produzione|linea di produzione|linee di produzione|ambiente di produzione|le spedizioni|gli ordini"
        "|le vendite|alle casse|pronto soccorso|perdiamo ordini|perdita di dati|dati persi"
        "|in production|production system|production line|production server|production environment|production is|live system"
        "|losing orders|losing money|losing sales|data loss|emergency room"
    ),
    "one-person": (
        "solo io|solo a me|solo sul mio|solo il mio|un solo utente|un singolo utente|un utente solo|una sola postazione"
        "|un solo pc|una postazione|un collega|una collega|only me|just me|only my|single user|one user|only one user|one workstation"
        "|one of our users|a single workstation|only affects me"
    ),
    "workaround": (
        "abbiamo aggirato|aggirare il problema|soluzione temporanea|soluzione provvisoria|nel frattempo usiamo|possiamo comunque lavorare"
        "|riusciamo comunque a lavorare|riusciamo lo stesso|si può comunque|lavoriamo lo stesso"
        "|workaround|work around it|we can still work|still able to work|in the meantime we use|temporary solution"
    ),
    # How the writer takes it
    "urgent": (
        "urgente|urgenti|urgentissimo|con urgenza|urgenza|urgentemente|il prima possibile|prima possibile|quanto prima|immediatamente"
        "|urgent|urgently|asap|as soon as possible|immediately|critical|critico|critica"
    ),
    "whenever": (
        "quando potete|quando puoi|quando può|quando avete tempo|quando riuscite|senza fretta|con calma|non c'è fretta|non ho fretta"
        "|non abbiamo fretta|nessuna fretta|non urgente|non è urgente|nulla di urgente|niente di urgente|nessuna urgenza|non urgentissimo"
        "|bassa priorità|a tempo perso"
        "|when you can|whenever you can|when you have time|when you get a chance|at your convenience|no hurry|no rush|not urgent"
        "|isn't urgent|nothing urgent|no urgency|low priority|cosmetic|minor thing|nice to have"
    ),
    # What it is
    "trouble": (
        "non funziona|non funzionano|non funziona più|non va più|non vanno più|non parte|non si avvia|non si apre|non si accende"
        "|non risponde|non rispondono|guasto|guasta|guasti|rotto|rotta|malfunzionamento|disservizio|messaggio di errore|va in errore"
        "|si è bloccato|si è bloccata|crash|anomalia"
        "|doesn't work|does not work|do not work|don't work|not working|isn't working|stopped working|won't start|does not start|broken"
        "|error message|keeps failing|is failing|crashes|crashed|malfunction|is down|are down|outage"
    ),
    "asks-information": (
        "vorrei sapere|vorremmo sapere|volevo sapere|avrei una domanda|una domanda|come si fa|come faccio|come posso|è possibile sapere"
        "|potete dirmi|avrei bisogno di un'informazione|chiedo informazioni|richiesta di informazioni|quando scade"
        "|how do i|how can i|how to|i would like to know|we would like to know|could you tell me|can you tell me|a question about"
        "|request for information|just a question"
    ),
    "asks-service": (
        "nuova utenza|nuovo utente|nuova casella|creare un utente|creare una casella|create un utente|creare l'utente|attivare un nuovo"
        "|vorrei attivare|vorremmo attivare|richiesta di attivazione|vorrei ordinare|vorremmo ordinare|nuova postazione"
        "|nuova installazione|fornitura|new user|new account|new mailbox|please create|please activate|please install|please set up"
        "|we would like to order|i would like to order|new installation|new starter"
    ),
    "asks-access": (
        "richiesta di accesso|abilitare l'utente|abilitare l'accesso|concedere l'accesso|permessi di accesso|permessi sulla cartella"
        "|access request|grant access|please give access|need access to|permission to the folder"
    ),
    "asks-change": "richiesta di modifica|richiesta di cambio|request for change|change request|rfc",
    "several": (
        "un altro problema|altro problema|un secondo problema|secondo problema|seconda cosa|un'altra cosa|altra cosa|altra questione"
        "|colgo l'occasione|già che ci siamo|due problemi|tre problemi|più problemi"
        "|another problem|another issue|another thing|second problem|second issue|one more thing|two problems|two issues|several issues"
        "|several problems|on another note|separate issue"
        "|ein weiteres problem|noch ein problem|zweites problem|zwei probleme|mehrere probleme"
        "|un autre problème|deuxième problème|second problème|deux problèmes|plusieurs problèmes"
        "|otro problema|segundo problema|dos problemas|varios problemas"
        "|outro problema|dois problemas|vários problemas|مشكلة أخرى|مشكلة ثانية"
    ),
    # What helps whoever looks at it
    "tells-steps": (
        "i passi|passaggi|per riprodurre|riproducibile|ogni volta che|succede quando|si verifica quando|quando clicco|quando apro"
        "|steps to reproduce|steps:|to reproduce|every time i|every time we|happens when|occurs when|when i click|when i open"
    ),
    "tells-example": (
        "ad esempio|per esempio|esempio|in allegato|allego|allegato|screenshot|schermata|messaggio di errore|errore:"
        "|for example|example|attached|attachment|screenshot|error message|error:|log:"
    ),
    "tells-configuration": (
        "versione|windows|linux|macos|android|iphone|firmware|build|browser|chrome|firefox|edge|configurazione|modello"
        "|version|release|configuration|model"
    ),
}  # fmt: skip

# What a sign weighs on the scale of severity; of those who are touched, the first counts `WIDE`, more of them one point more.
WEIGHTS: Mapping[str, int] = {
    "stopped": 4,
    "degraded": 1,
    "urgent": 1,
    "one-person": -2,
    "workaround": -2,
    "whenever": -3,
}
TOUCHED = ("everyone", "production", "core")
WIDE = 2
WORST, BAD, LEAST = 6, 3, -3  # points from which a report has the first, the second, the last priority of its kind

# What a sign says about the kind, and how surely.
KIND_OF: Mapping[str, tuple[str, int]] = {
    "trouble": ("incident", 3),
    "stopped": ("incident", 3),
    "asks-information": ("information", 2),
    "asks-service": ("fulfilment", 2),
    "asks-access": ("access", 2),
    "asks-change": ("change", 2),
}

# What a desk may ask for, and the signs that it is there.
TELLS: Mapping[str, str] = {
    "example": "tells-example",
    "steps": "tells-steps",
    "configuration": "tells-configuration",
}

SIGNS = frozenset((*PHRASES, "core"))

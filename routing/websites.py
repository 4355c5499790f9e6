"""What a web address looks like: its host, and what stands after it. Refuses to look any up."""

import re

# Ends of a name that is written alone; with "www." or "https://" before it, any will do. None is a word of our languages.
_TLD = (
    "it|com|net|org|eu|de|fr|es|uk|info|biz|local|lan|example|test|cloud|io|dev|app|ch|at|edu|intra|internal|online|store|site|tech|shop"
    "|nl|pl|cz|sk|hu|ro|bg|gr|pt|dk|fi|au|jp|cn|br|mx|ru|ua|tr|gov|coop"
)
_LABELS = r"(?:[a-z0-9-]+\.)+"
DOMAIN = re.compile(  # and what stands after it
    rf'(?<![\w.-])(?:https?://)?((?:(?<=//)|(?=www\.)){_LABELS}[a-z]{{2,}}|{_LABELS}(?:{_TLD}))\b(?::\d+)?(?:[/?]([^\s,;)<>"\]]*))?'
)

"""How facts are written in mails, logs and addresses. Every pattern is bounded: no text is slow."""

from __future__ import annotations

import re
from typing import Final

CODE: Final = re.compile(r"(?<![\w-])(ERR|WARN)-[A-Z0-9]{2,30}(?:-[A-Z0-9]{1,30}){0,8}(?![\w])")
NUMBER: Final = r"(\d{1,4}\.\d{1,5}(?:\.\d{1,5})?(?:\.?(?:a|b|rc|dev|post)\d{1,5})?)(?![\w.]\d)"
VERSION: Final = re.compile(
    r"(?<![\w.])(?:([A-Za-z]{2,20})[ _-])?version[\"']?[ \t]{0,3}[:=]?[ \t]{0,3}[\"']?"
    rf"v?{NUMBER}",
    re.IGNORECASE,
)
NOT_OURS: Final = {
    "contract",
    "python",
    "dbt",
    "node",
    "pack",
    "api",
    "model",
    "server",
    "schema",
    "browser",
} | {"chrome", "postgres", "tls", "ssl", "http", "os", "macos", "windows", "extension"}
RUN: Final = re.compile(
    r"(?<![\w])(?:run|invocation|job)(?:[ _-]?id|[ _-]?uuid|[ \t]?#)[\"']?"
    r"[ \t]{0,3}[:=#]?[ \t]{0,3}[\"'`]?([A-Za-z0-9][\w-]{2,63})",
    re.IGNORECASE,
)
RUN_PATH: Final = re.compile(
    r"/(?:runs?|jobs?|invocations?)/([A-Za-z0-9][\w-]{2,63})", re.IGNORECASE
)
UUID: Final = re.compile(
    r"(?<![\w-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\w-])",
    re.IGNORECASE,
)
INVOICE: Final = re.compile(
    r"(?<![\w-])(?:in_(?=[A-Za-z]{0,40}[0-9])[A-Za-z0-9]{8,40}|INV-[A-Z0-9][A-Z0-9-]{0,30})(?![\w-])"
    r"|(?<=invoice )(?:no\.? |number |nr\.? |# ?){0,1}"
    r"([A-Z0-9]{1,10}-?[0-9][A-Z0-9-]{2,30})(?![\w-])"
)
_PART: Final = r"[\"`]?[A-Za-z_][A-Za-z0-9_]{0,62}[\"`]?"
COLUMN: Final = re.compile(rf"(?<![\w.@/\\\"`-]){_PART}(?:\.{_PART}){{2,3}}(?![\w@(/\\-]|\.\w)")
LABELED_COLUMN: Final = re.compile(
    r"(?<![\w])column(?:[ _]name)?[\"']?[ \t]{0,3}[:=]?[ \t]{0,3}'?"
    rf"({_PART}(?:\.{_PART}){{1,3}})",
    re.IGNORECASE,
)
NO_COLUMN_ENDS: Final = {
    "com",
    "org",
    "net",
    "io",
    "dev",
    "example",
    "ai",
    "app",
    "co",
    "cloud",
    "de",
    "eu",
    "uk",
} | {"py", "js", "ts", "json", "yml", "yaml", "sql", "csv", "md", "html", "log", "txt", "toml"}
NO_COLUMN_ROOTS: Final = {
    "sqlalchemy",
    "psycopg",
    "psycopg2",
    "django",
    "google",
    "requests",
    "urllib3",
    "os",
    "sys",
} | {"self", "java", "org", "com", "net", "www", "botocore", "pandas", "dbt", "asyncio", "e", "i"}
_TYPE: Final = r"(?:an? |the )?[\"'“‘`]?([A-Za-z][\w-]{0,30}(?: [A-Za-z][\w-]{0,30}){0,3})"
SHOWN: Final = re.compile(
    r"(?<!\w)(?:(?:shown|displayed|detected|classified|misclassified|recogni[sz]ed|profiled"
    r"|inferred|typed|reads|read|appears|tagged) as "
    r"|(?:shown|actual|detected|predicted|semantic)[ _]type[\"']?[ \t]?[:=][ \t]{0,3})"
    rf"{_TYPE}",
    re.IGNORECASE,
)
EXPECTED: Final = re.compile(
    r"(?<!\w)(?:should(?: really)? (?:be|read|have been)(?: shown as| detected as| read as| as)? "
    r"|expected(?:[ _]type)?[\"']?[ \t]?[:=]?[ \t]{1,3}|instead of |rather than "
    rf"|but is (?:really )?){_TYPE}",
    re.IGNORECASE,
)
GOT: Final = re.compile(rf"(?<!\w)(?:but )?(?:got|was|found) {_TYPE}", re.IGNORECASE)
STOPS: Final = (
    {"but", "instead", "should", "when", "and", "in", "on", "for", "rather", "not", "although"}
    | {"which", "while", "since", "got", "was", "found", "is", "it", "with", "after", "because"}
    | {"expected", "by", "to", "of", "from", "at", "or", "please", "column", "columns", "type"}
    | {"fixed", "updated", "done", "refreshed", "possible", "able", "there", "fine", "resolved"}
)
TIME: Final = re.compile(
    r"(?<!\w)(?:profiled[ _]at|last[ _]profiled(?:[ _]at)?|profiled on"
    r"|last[ _](?:run|refresh|profile)|last refreshed)"
    r"[\"']?[ \t]{0,3}(?:[:=]|at|on|was)?[ \t]{0,3}[\"']?"
    r"(\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?"
    r"(?: ?Z| UTC|[+-]\d{2}:?\d{2})?)",
    re.IGNORECASE,
)
CONNECTION: Final = re.compile(
    r"(?<!\w)connection(?:[ _](?:name|id))?"
    r"(?:[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"'`“]?|[ \t]{1,3}[\"'`“])([A-Za-z0-9][\w.-]{1,60})",
    re.IGNORECASE,
)
NO_CONNECTION: Final = {
    "refused",
    "failed",
    "timed",
    "test",
    "error",
    "lost",
    "reset",
    "closed",
    "close",
} | {"keep-alive", "true", "false", "null", "none", "timeout"}
ENVIRONMENT: Final = re.compile(
    r"(?<!\w)(?:environment|env|trigger|ran in|running in)[\"']?[ \t]{0,3}[:=]?[ \t]{0,3}"
    r"[\"'`]?(?:the )?([A-Za-z]{2,12}(?: [A-Za-z]{2,10})?)",
    re.IGNORECASE,
)
CONNECTOR: Final = re.compile(
    r"(?<!\w)(?:connector|pack)[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"'`]?([A-Za-z][\w-]{1,40})"
    r"|(?<!\w)([A-Za-z][A-Za-z0-9_]{2,40}) (?:connector|dashboard|quickstart )?[ \t]?pack(?!\w)",
    re.IGNORECASE,
)
NO_CONNECTOR: Final = {
    "the",
    "this",
    "your",
    "our",
    "that",
    "dashboard",
    "connector",
    "quickstart",
    "new",
    "my",
} | {"broken", "each", "every", "any", "which", "another", "installed", "with"}
AMOUNT: Final = re.compile(
    r"(?<![\w.])(?:[$€£] ?\d{1,9}(?:[.,]\d{1,3}){0,4}"
    r"|\d{1,9}(?:[.,]\d{1,3}){0,4} ?(?:USD|EUR|GBP|dollars|euros?|€))(?!\w)"
)

"""PostgreSQL's errors in the domain's words. None of them tells an address, a name or a value."""

from __future__ import annotations

from jibu.domain.errors import InvalidInput, JibuError, Misconfigured, Unavailable

LOGIN = "the database refuses the user or password; check JIBU_DATABASE_URL"
ABSENT = "there is no such database or user; create it, or check JIBU_DATABASE_URL"
AWAY = "the database cannot be reached"

BY_CODE: dict[str, JibuError] = {
    "57014": Unavailable("the database took too long", 5.0),
    "55P03": Unavailable("another change takes long; the database is busy", 2.0),
    "40001": Unavailable("another change came first", 1.0),
    "40P01": Unavailable("another change came first", 1.0),
    "25006": Unavailable("the database takes no changes now (is it a standby?)", 10.0),
    "53100": Unavailable("the database's disk is full", 30.0),
    "53300": Unavailable(
        "the database has no connection left; lower JIBU_DATABASE_POOL or raise its limit", 5.0
    ),
    "3D000": Misconfigured(ABSENT),
    "42501": Misconfigured(
        "the database user may not do this; grant it the tables, or let the owner migrate"
    ),
    "42P01": Misconfigured("the database lacks a table; run `jibu migrate`"),
    "42703": Misconfigured("the database lacks a column; run `jibu migrate`"),
    "22021": InvalidInput("a text holds a character that cannot be stored"),
    "22001": InvalidInput("a text is too long to be stored"),
    "54000": InvalidInput("a text is too long to be stored"),
}
BY_CLASS: dict[str, JibuError] = {
    "08": Unavailable(AWAY, 5.0),
    "25": Unavailable("the database ended the transaction", 2.0),
    "28": Misconfigured(LOGIN),
    "53": Unavailable("the database is short of resources", 10.0),
    "57": Unavailable("the database is starting, stopping or was told to stop this", 3.0),
    "58": Unavailable("the database cannot store or read; check its disk", 30.0),
    "XX": Unavailable("the database found damage or a fault of its own; see its log", 30.0),
}
# While connecting there is no code. A server that speaks another language gets the general answer.
BY_WORDS: tuple[tuple[str, JibuError], ...] = (
    ("password authentication failed", Misconfigured(LOGIN)),
    ("no password supplied", Misconfigured("the database wants a password; check JIBU_DATABASE_URL")),
    ("no pg_hba.conf entry", Misconfigured("the database does not let this user in from here (pg_hba.conf)")),
    ("does not exist", Misconfigured(ABSENT)),
    (
        "invalid connection option",
        Misconfigured("JIBU_DATABASE_URL has an option that PostgreSQL does not know"),
    ),
    ("invalid connection", Misconfigured("JIBU_DATABASE_URL has an option with a value that cannot be used")),
    (
        "unrecognized configuration parameter",
        Misconfigured("JIBU_DATABASE_URL sets a parameter unknown to PostgreSQL"),
    ),
    (
        "server does not support ssl",
        Misconfigured("the database has no TLS, and JIBU_DATABASE_URL asks for it"),
    ),
    (
        "certificate",
        Misconfigured("the database's certificate cannot be trusted; check sslmode and sslrootcert"),
    ),
    ("translate host name", Unavailable("the database's host is unknown; check JIBU_DATABASE_URL", 10.0)),
    ("too many clients", BY_CODE["53300"]),
    ("remaining connection slots", BY_CODE["53300"]),
)


def translate(error: BaseException | None) -> JibuError | None:
    """Return the domain's word for a driver's error, None for broken constraints and mistakes of ours."""
    import psycopg

    code = getattr(error, "sqlstate", None)
    if code is not None:
        return _fresh(BY_CODE.get(code) or BY_CLASS.get(code[:2]))
    words = str(error).lower()
    if isinstance(error, psycopg.DataError):
        return InvalidInput("a text holds a character that cannot be stored") if "nul" in words else None
    if isinstance(error, psycopg.OperationalError | psycopg.ProgrammingError):
        for hint, known in BY_WORDS:
            if hint in words:
                return _fresh(known)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Unavailable(AWAY, 5.0)
    return None


def _fresh(known: JibuError | None) -> JibuError | None:
    """Return a new error like this one: a raised error keeps where it was raised."""
    if isinstance(known, Unavailable):
        return Unavailable(str(known), known.retry_after)
    return None if known is None else type(known)(str(known))

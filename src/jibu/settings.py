"""One frozen settings object, and the only reader of the environment.

Every setting is the variable ``JIBU_<NAME>``; an unknown ``JIBU_`` variable is an error, so that a
misspelt one never passes unnoticed. ``docs/reference/configuration.md`` is made from the fields below.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from jibu.domain.errors import Misconfigured

PREFIX = "JIBU_"
NOT_SETTINGS = ("JIBU_TEST_",)


class Settings(BaseSettings):
    """What an operator can choose. Sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", allow_inf_nan=False)

    profile: Literal["dev", "production"] = Field(
        "dev",
        description="`dev` has a local token issuer and embedded parts; `production` refuses both unless told.",
    )
    data_dir: Path = Field(
        Path("jibu-data"), description="Folder for the database, index, keys and temporary files."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on.")
    workers: int = Field(
        1, ge=1, le=64, description="Server processes. Each holds its own copy of the embedder."
    )
    public_url: str | None = Field(
        None, description="Base URL that callers use, where it differs from host and port."
    )

    database_url: str | None = Field(
        None,
        repr=False,
        description="PostgreSQL for records and outbox: `postgresql://user:password@host:5432/database`; "
        "libpq's options may follow (`?sslmode=verify-full`). None: SQLite in the data folder. "
        "Its tables are made by `jibu migrate`.",
    )
    database_url_file: Path | None = Field(
        None, description="File that holds the database's address, instead of a variable with a password."
    )
    database_pool: int = Field(
        20, ge=2, le=500, description="Most connections to PostgreSQL of each process (workers and relay)."
    )
    database_timeout_s: float = Field(
        30.0, gt=0, le=3600, description="Longest time for one statement in PostgreSQL."
    )

    index: Literal["embedded", "weaviate"] = Field("embedded", description="Passage index.")
    embedder: Literal["embedded", "ollama"] = Field("embedded", description="Embedding model.")
    generator: Literal["extractive", "ollama"] = Field(
        "extractive",
        description="What writes the answers. `ollama` falls back to `extractive` where the model fails.",
    )
    broker: Literal["local", "kafka"] = Field("local", description="Where events go.")
    allow_embedded: bool = Field(
        default=False, description="Allow the embedded parts with `profile=production` (one box, no servers)."
    )

    weaviate_url: str | None = Field(
        None, description="Weaviate's address, `https://host:port`. SSL_CERT_FILE names a private authority."
    )
    weaviate_grpc_url: str | None = Field(
        None, description="Weaviate's gRPC address, `https://host:port`. None: port 50051 of the same host."
    )
    weaviate_api_key_file: Path | None = Field(
        None, description="File with Weaviate's API key. None: no key is sent."
    )
    weaviate_collection: str = Field(
        "Jibu", description="Name in Weaviate; rebuilt indexes are called `<name>_2` and so on."
    )
    weaviate_replication: int = Field(
        1, ge=1, le=32, description="Weaviate nodes that hold each passage; set when the index is made."
    )
    weaviate_shards: int = Field(
        1, ge=1, le=1024, description="Pieces that the index is cut into; set when the index is made."
    )
    weaviate_consistency: Literal["ONE", "QUORUM", "ALL"] = Field(
        "QUORUM", description="How many replicas must confirm a write or a read by id."
    )
    weaviate_timeout_s: float = Field(
        10.0, gt=0, le=600, description="Longest time for one search in Weaviate."
    )
    weaviate_write_timeout_s: float = Field(
        60.0, gt=0, le=3600, description="Longest time for one write to Weaviate."
    )

    ollama_hosts: str = Field(
        "http://127.0.0.1:11434",
        description="Ollama servers, separated by commas; each call goes to a healthy one with the least to do.",
    )
    ollama_api_key_file: Path | None = Field(
        None, description="File with a bearer token that the Ollama servers (a proxy before them) ask for."
    )
    ollama_ca_file: Path | None = Field(
        None, description="Certificate authority of the Ollama servers (PEM); none: the system's."
    )
    ollama_embed_model: str = Field("bge-m3", min_length=1, description="Model that embeds.")
    ollama_embed_dimension: int = Field(
        0, ge=0, le=65_536, description="Components of its vectors; 0: asked of the model at the start."
    )
    ollama_embed_timeout_s: float = Field(30.0, gt=0, le=3600, description="Longest time for one batch.")
    ollama_generate_model: str = Field(
        "qwen3:4b-instruct", min_length=1, description="Model that writes the answers."
    )
    ollama_keep_alive: str = Field(
        "5m",
        pattern=r"-?\d+(\.\d+)?(ms|s|m|h)?",
        description="How long a model stays loaded after a call: seconds, or such as `10m`; `-1`: always.",
    )
    ollama_context: int = Field(
        4096, ge=1024, le=131_072, description="Tokens that sources, question and answer may take together."
    )
    ollama_first_token_timeout_s: float = Field(
        15.0,
        gt=0,
        le=600,
        description="Longest wait for a turn and the first word; then the answer is extractive.",
    )
    ollama_generate_timeout_s: float = Field(
        25.0, gt=0, le=600, description="Longest time for writing an answer; what stands by then is kept."
    )
    ollama_concurrency: int = Field(2, ge=1, le=256, description="Answers written at once by each process.")
    ollama_queue: int = Field(
        8, ge=0, le=10_000, description="Answers that may wait for their turn; more are extractive."
    )

    event_source: str = Field(
        "urn:jibu", min_length=1, description="CloudEvents `source` of this block's events: who tells."
    )
    freshness_sources: str = Field(
        "",
        description="Who may tell over Kafka that sources of documents changed or were withdrawn, for which "
        "collections: `https://registry.example=travel,tax urn:other=law`. Empty: nobody, and nothing is received.",
    )
    kafka_bootstrap: str = Field("", description="Kafka's addresses, `host:port,host:port`.")
    kafka_prefix: str = Field(
        "jibu",
        pattern=r"[a-zA-Z0-9_-]{1,100}",
        description="First word of topics (`jibu.document`), of the transactional id and of the consumer group. "
        "Two blocks on one Kafka need two.",
    )
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to connect to Kafka, in Kafka's words."
    )
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How to log in to Kafka."
    )
    kafka_user: str | None = Field(None, description="User in Kafka.")
    kafka_password_file: Path | None = Field(None, description="File with that user's password.")
    kafka_ca_file: Path | None = Field(
        None, description="Certificates that sign Kafka's. None: those of the system."
    )
    kafka_cert_file: Path | None = Field(None, description="Client certificate for Kafka.")
    kafka_key_file: Path | None = Field(None, description="Key of the client certificate.")
    kafka_timeout_s: float = Field(
        10.0,
        ge=1,
        le=120,
        description="Longest time for one step with Kafka: connecting, sending, committing.",
    )
    kafka_create_topics: bool = Field(default=True, description="Make topics that are missing.")
    kafka_partitions: int = Field(6, ge=1, le=1000, description="Partitions of a new topic.")
    kafka_replication: int = Field(3, ge=1, le=15, description="Least number of copies of each topic.")
    kafka_min_insync: int = Field(
        2, ge=1, le=15, description="Copies that must have an event before it counts as stored."
    )
    kafka_retention_h: int = Field(168, ge=1, description="Least time that Kafka keeps events, in hours.")
    kafka_max_event_bytes: int = Field(
        262_144, ge=4096, le=10_000_000, description="Largest event; a larger one is refused and held up."
    )

    auth_issuer: str | None = Field(None, description="Expected `iss` of bearer tokens.")
    auth_audience: str = Field("jibu", description="Expected `aud` of bearer tokens.")
    auth_jwks_url: str | None = Field(None, description="Where the issuer's public keys are (HTTPS).")
    auth_jwks_file: Path | None = Field(
        None, description="File with the issuer's public keys, instead of a URL."
    )
    auth_leeway_s: float = Field(
        30.0, ge=0, le=300, description="Clock difference allowed in `exp` and `nbf`."
    )

    mediator_id: str = Field(
        "JIBU/DEV/BLOCK/jibu",
        max_length=251,
        description="This block's name in the information mediator: INSTANCE/CLASS/MEMBER/APPLICATION.",
    )
    mediator: Literal["local", "xroad"] = Field(
        "local", description="What calls services: this block itself, or an X-Road Security Server."
    )
    xroad_url: str | None = Field(None, description="The Security Server's address, `https://host:port`.")
    xroad_security: Literal["mutual-tls", "tls", "none"] = Field(
        "mutual-tls",
        description="Connection type, as the Security Server has it for this block: `HTTPS`, `HTTPS NO AUTH`, `HTTP`. "
        "Only the first proves to it who calls.",
    )
    xroad_ca_file: Path | None = Field(
        None, description="The Security Server's certificate, or its authority's (PEM). None: the system's."
    )
    xroad_cert_file: Path | None = Field(
        None, description="This block's certificate for the Security Server (PEM)."
    )
    xroad_key_file: Path | None = Field(None, description="Its key (PEM).")
    xroad_key_password_file: Path | None = Field(
        None, description="File with the password of that key, where it has one."
    )
    xroad_connect_timeout_s: float = Field(
        5.0, gt=0, le=60, description="Longest time for connecting to the Security Server."
    )
    xroad_inbound_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port for calls that come from the Security Server. None: there is none.",
    )
    xroad_inbound_host: str = Field("127.0.0.1", description="Address to listen on for them.")
    xroad_inbound_cert_file: Path | None = Field(
        None, description="Certificate that the Security Server is shown there (PEM)."
    )
    xroad_inbound_key_file: Path | None = Field(None, description="Its key (PEM).")
    xroad_inbound_key_password_file: Path | None = Field(
        None, description="File with the password of that key, where it has one."
    )
    xroad_inbound_peers_file: Path | None = Field(
        None, description="The Security Servers' own certificates (PEM): exactly these may call."
    )
    xroad_inbound_clients_file: Path | None = Field(
        None,
        description="Who may call through X-Road with which scopes; lines such as `ZZ/GOV/agency/portal rag.query`.",
    )
    mediator_max_exchanges: int = Field(
        1024,
        ge=1,
        le=100_000,
        description="Calls that each process passes on at once, three quarters of them to one service; more get 429.",
    )
    mediator_max_request_bytes: int = Field(
        52_428_800, ge=1024, description="Longest body of a call that is passed on."
    )
    mediator_max_response_bytes: int = Field(
        104_857_600, ge=1024, description="Longest answer of a service that is passed back."
    )
    message_retention_days: int = Field(
        365,
        ge=1,
        description="How long the mediator's message log keeps an exchange; its signed batch stays.",
    )
    mediator_timeout_s: float = Field(
        300.0, gt=0, le=3600, description="Longest time for one exchange, streams included."
    )

    live_timeout_s: float = Field(
        10.0,
        gt=0,
        le=120,
        description="Longest time for asking the services that a question names, all together.",
    )
    live_max_bytes: int = Field(
        1_000_000, ge=1024, le=10_000_000, description="Longest answer of such a service."
    )

    signing_key_file: Path | None = Field(
        None,
        description="PEM file with the Ed25519 key that signs receipts, chains and logs, the same for all replicas; "
        "earlier keys may follow in it, to verify with. None: a key is made in the data folder.",
    )

    consent_jwks_file: Path | None = Field(
        None, description="Public keys (JWKS) that may sign consent for any individual."
    )
    max_body_bytes: int = Field(
        1_048_576, ge=1024, description="Largest JSON request body (documents excepted)."
    )
    max_upload_bytes: int = Field(52_428_800, ge=1024, description="Largest document.")
    parse_timeout_s: float = Field(120.0, gt=0, description="Longest time for reading one document.")
    parse_memory_bytes: int = Field(
        1_610_612_736, ge=268_435_456, description="Most memory for reading one document."
    )
    parse_max_pages: int = Field(3000, ge=1, description="Most pages, slides or sheets in a document.")
    parse_max_characters: int = Field(20_000_000, ge=1000, description="Longest canonical text.")

    max_concurrent_queries: int = Field(
        4, ge=1, le=256, description="Questions answered at once in each process."
    )
    max_waiting_queries: int = Field(
        64, ge=0, le=10_000, description="Questions that may wait; more get 429."
    )
    query_timeout_s: float = Field(30.0, gt=0, le=600, description="Longest time for one answer before 503.")
    stream_keepalive_s: float = Field(15.0, gt=0, description="Time between keep-alive comments in a stream.")
    drain_timeout_s: float = Field(
        20.0, ge=0, description="Time for running requests to end after a stop signal."
    )

    outbound_timeout_s: float = Field(
        5.0,
        gt=0,
        le=60,
        description="Longest time for one push to another system, from connecting to its answer.",
    )
    outbound_allow_private: bool = Field(
        default=False,
        description="Push to addresses inside private networks too. For a closed network: whoever manages a room "
        "can then reach every machine that the service reaches.",
    )
    outbound_ca_file: Path | None = Field(
        None, description="Authorities that pushes trust, as a PEM file. None: those of the system."
    )
    pubsub_retention_days: int = Field(
        7, ge=1, le=3650, description="How long events of Pub/Sub are kept when nobody waits for them."
    )

    relay: bool = Field(default=True, description="Run the relay (indexing, events) beside the server.")
    relay_poll_s: float = Field(0.5, gt=0, le=60, description="Time between looks at an empty outbox.")

    answer_retention_days: int = Field(365, ge=1, description="How long answers are kept for the auditor.")
    answered_threshold: float = Field(
        0.0, ge=0, le=1, description="Confidence from which an answer counts as found; 0: the fitted value."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level to log.")
    log_format: Literal["json", "console"] = Field("json", description="Log lines as JSON or for people.")


def freshness_allowed(settings: Settings) -> frozenset[tuple[str, str]]:
    """Return (source, collection id) pairs that are believed. Raises: Misconfigured."""
    pairs: set[tuple[str, str]] = set()
    for words in settings.freshness_sources.split():
        source, _, collections = words.rpartition("=")
        named = [name for name in collections.split(",") if name]
        if not source or not named:
            raise Misconfigured(
                "JIBU_FRESHNESS_SOURCES looks like `source=collection,collection source=collection`"
            )
        pairs.update((source, name) for name in named)
    return frozenset(pairs)


def database_address(settings: Settings) -> str | None:
    """Return PostgreSQL's address, None for SQLite. Raises: Misconfigured."""
    file = settings.database_url_file
    if file is None:
        return settings.database_url or None
    if settings.database_url:
        raise Misconfigured("set either JIBU_DATABASE_URL or JIBU_DATABASE_URL_FILE, not both")
    return secret_in(file, "JIBU_DATABASE_URL_FILE")


def secret_in(file: Path, setting: str) -> str:
    """Return what a file holds, without the space around it. Raises: Misconfigured that names the setting."""
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"the file that {setting} names cannot be read") from error
    if not secret:
        raise Misconfigured(f"the file that {setting} names is empty")
    return secret


def load(**overrides: object) -> Settings:
    """Read settings from the environment; ``overrides`` (from the command line) win, None means not given.

    Raises: Misconfigured that names the variable.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    unknown = sorted(
        name
        for name in os.environ
        if name.upper().startswith(PREFIX)
        and name.upper() not in known
        and not name.upper().startswith(NOT_SETTINGS)
    )
    if unknown:
        raise Misconfigured(f"unknown setting {', '.join(unknown)}; see docs/reference/configuration.md")
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        where = "; ".join(
            f"{PREFIX}{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()
        )
        raise Misconfigured(f"bad setting: {where}") from error

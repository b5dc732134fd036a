"""How to reach Kafka, and its client's errors in the domain's words."""

from __future__ import annotations

import importlib.util
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jibu.domain.errors import JibuError, Misconfigured, Unavailable

MISSING = "Kafka needs the package kafka-python: pip install 'jibu-bb[production]'"
AWAY = "Kafka cannot be reached"
LOGIN = "Kafka refuses the user, password or mechanism; check JIBU_KAFKA_USER and JIBU_KAFKA_PASSWORD_FILE"
RIGHTS = "Kafka does not let this user do this; docs/how-to/use-kafka.md lists the rights it needs"
TLS = "no TLS connection to Kafka can be made; check JIBU_KAFKA_SECURITY and JIBU_KAFKA_CA_FILE"
FEW = "Kafka has fewer brokers than JIBU_KAFKA_REPLICATION asks copies for"


@dataclass(frozen=True, slots=True)
class KafkaLink:
    """An address and how to prove who one is. ``security`` and ``mechanism`` are Kafka's own words.

    ``timeout_s``: longest time for one request to be answered and for one event to be stored.
    """

    bootstrap: str
    security: str = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    timeout_s: float = 10.0

    def options(self) -> dict[str, Any]:
        """Return what every client of ``kafka-python`` is given. Raises: Misconfigured."""
        if importlib.util.find_spec("kafka") is None:
            raise Misconfigured(MISSING)
        # What goes wrong is told in our own log, once; theirs has a line for each try, with addresses.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        options: dict[str, Any] = {
            "bootstrap_servers": [one.strip() for one in self.bootstrap.split(",") if one.strip()],
            "security_protocol": self.security,
            "bootstrap_timeout_ms": self._ms(0.5),
            "request_timeout_ms": self._ms(0.5),
            "reconnect_backoff_max_ms": 1000,
        }
        if not options["bootstrap_servers"]:
            raise Misconfigured("JIBU_KAFKA_BOOTSTRAP is needed with JIBU_BROKER=kafka: host:port,host:port")
        if self.security in ("SSL", "SASL_SSL"):
            options["ssl_context"] = self._tls()
        if self.security.startswith("SASL_"):
            options |= self._login()
        return options

    def _login(self) -> dict[str, Any]:
        if not self.user or not self.password:
            raise Misconfigured("Kafka with SASL needs JIBU_KAFKA_USER and JIBU_KAFKA_PASSWORD_FILE")
        return {
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.user,
            "sasl_plain_password": self.password,
        }

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.cert_file is not None:
                context.load_cert_chain(self.cert_file, self.key_file)
        except (OSError, ssl.SSLError) as error:
            raise Misconfigured("a certificate or key file for Kafka cannot be used") from error
        return context

    def _ms(self, share: float = 1.0) -> int:
        return int(1000 * share * self.timeout_s)


def connected(kind: Any, **options: Any) -> Any:
    """Return a client of this kind. One that fails in its constructor leaves its threads and sockets: end them."""
    made: list[Any] = []

    def network(**given: Any) -> Any:
        made.append(kind.DEFAULT_CONFIG["kafka_client"](**given))
        return made[-1]

    try:
        return kind(**options, kafka_client=network)
    except BaseException:
        for one in made:
            one.close()
        raise


@contextmanager
def translated() -> Iterator[None]:
    """Sort the client's errors into: try again, set up wrongly. None of them tells an address or a value."""
    try:
        yield
    except JibuError:
        raise
    except Exception as error:
        known = told(error)
        if known is None:
            raise
        raise known from error


def told(error: BaseException) -> JibuError | None:
    """Return the domain's word for an error of the client, None for mistakes of ours."""
    from kafka import errors as e

    login = (e.SaslAuthenticationFailedError, e.UnsupportedSaslMechanismError, e.IllegalSaslStateError)
    old = (e.UnsupportedVersionError, e.KafkaConfigurationError)
    known: tuple[tuple[tuple[type[BaseException], ...], JibuError], ...] = (
        (login, Misconfigured(LOGIN)),
        ((e.AuthorizationError,), Misconfigured(RIGHTS)),
        ((ssl.SSLError,), Misconfigured(TLS)),
        ((e.InvalidReplicationFactorError,), Misconfigured(FEW)),
        (old, Misconfigured("this Kafka is too old, or a setting for it cannot be used")),
        (
            (e.ProducerFencedError, e.InvalidProducerEpochError),
            Unavailable("another relay publishes now", 2.0),
        ),
        ((e.KafkaError, OSError), Unavailable(AWAY, 5.0)),
    )
    return next((word for kinds, word in known if isinstance(error, kinds)), None)

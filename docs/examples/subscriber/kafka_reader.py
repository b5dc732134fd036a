"""A block that reads Jibu's own events from Kafka: what became of documents, consent and exchanges.

Reads only what was committed, keeps each event id once, and commits its offsets after it has dealt with an event.
"""

from __future__ import annotations

import argparse
import json
import sys

from kafka import KafkaConsumer
from kafka.errors import KafkaError


def main() -> None:
    """Read until Ctrl-C, or until nothing has come for a while."""
    parser = argparse.ArgumentParser(description="Print Jibu's events as they come from Kafka.")
    parser.add_argument("--bootstrap", default="localhost:9092", help="[default: %(default)s]")
    parser.add_argument("--group", default="example-reader", help="consumer group [default: %(default)s]")
    parser.add_argument("--idle", type=float, metavar="SECONDS", help="end when nothing came for so long")
    parser.add_argument("topics", nargs="+", metavar="TOPIC", help="such as jibu.document or jibu.consent")
    given = parser.parse_args()
    try:
        read(given)
    except KafkaError as error:
        sys.exit(f"kafka: {error}")
    except KeyboardInterrupt:
        pass


def read(given: argparse.Namespace) -> None:
    """Print each event once. Raises: KafkaError."""
    consumer = KafkaConsumer(
        *given.topics,
        bootstrap_servers=given.bootstrap,
        group_id=given.group,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=float("inf") if given.idle is None else int(given.idle * 1000),
    )
    seen: set[str] = set()  # a block that keeps data has these in its database, written with what it does
    try:
        for record in consumer:
            event = json.loads(record.value)
            if event["id"] not in seen:
                seen.add(event["id"])
                told = {name: event.get(name) for name in ("type", "subject", "time", "data")}
                print(f"{record.topic}: {json.dumps(told, ensure_ascii=False)}", flush=True)
            consumer.commit()
    finally:
        consumer.close()


if __name__ == "__main__":
    main()

"""A person's own passport in an answer: a registry, a portal and Jibu, from nothing to a withdrawn consent.

Starts the civil registry and a Jibu as processes of their own, sets everything up over HTTP as other blocks would,
asks, and prints what was said. Ends with code 1 and a sentence where something is not as it should be.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from support import (
    Caller,
    Jibu,
    Process,
    Unexpected,
    check,
    free_port,
    heading,
    jibu,
    pretty,
    run,
    until,
    workspace,
)

HERE = Path(__file__).resolve().parent / "civil-registry"
JIBU = "JIBU/DEV/BLOCK/jibu"
REGISTRY, PORTAL = "KLD/GOV/CIVIL/registry", "KLD/GOV/AGENCY/portal"
SERVICE = f"{REGISTRY}/people"
PERSON, AGREEMENT = "KL-19870412-0042", "passport-advice"
RECORDS = "/consent/v1/service/individual/record"
CONTEXT = {"individualId": PERSON, "dataAgreementId": AGREEMENT}
QUESTION = "When does my passport expire, and when can a passport be renewed?"

OTHERS = (
    ("Quand mon passeport expire-t-il ?", ("2027-03-08",)),
    ("Pasipoti yangu inaisha lini?", ("2027-03-08",)),
    ("What is the name of my eldest child?", ("Zawadi Kessy Moreau", "2015-09-30", "2019-01-17")),
    ("What does renewing a passport cost an adult?", ("85",)),
)
"""Questions, and what has to be in the answer."""


class Registry:
    """The civil registry's process; it can be stopped and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "registry.log"
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        """Start it; the portal and Jibu may ask."""
        command = [sys.executable, str(HERE / "registry.py"), "--port", str(self._port)]
        allowed = ["--allow", PORTAL, "--allow", JIBU]
        self._process = Process([*command, *allowed], self._log, f"{self.url}/health")

    def stop(self) -> None:
        """End it."""
        self._process.stop()

    def log(self) -> str:
        """Return what it has logged."""
        return self._log.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Callers:
    """Who calls Jibu in this example. Each has a token of its own."""

    administrator: Caller
    registry: Caller
    officer: Caller
    portal: Caller
    auditor: Caller


@contextlib.contextmanager
def callers(block: Jibu) -> Iterator[Callers]:
    """Give them. The portal's token says on whose behalf it calls."""
    with contextlib.ExitStack() as stack:

        def caller(client: str, scope: str, subject: str | None = None) -> Caller:
            return stack.enter_context(block.caller(client, scope, subject))

        yield Callers(
            caller("KLD/GOV/STATE/it", "mediator.admin"),
            caller(REGISTRY, "mediator.client"),
            caller("KLD/GOV/AGENCY/officer", "consent.config consent.service rag.admin rag.ingest"),
            caller(PORTAL, "mediator.client rag.query", PERSON),
            caller("KLD/GOV/AUDIT/auditor", "audit.read"),
        )


def join_mediator(who: Callers, registry: Registry) -> None:
    """Register the members and applications; the registry asks to offer its service, the administrator decides."""
    heading("1. The registry and the portal join the mediator")
    admin, at = who.administrator, "/mediator/v1/members/KLD/GOV"
    for member, application in (("CIVIL", "registry"), ("AGENCY", "portal")):
        admin.call("PUT", f"{at}/{member}", 201, json={"name": f"Office {member}"})
        admin.call("PUT", f"{at}/{member}/applications/{application}", 201, json={"name": application})
    service = {
        "serviceCode": "people",
        "baseUrl": registry.url,
        "openapi": (HERE / "openapi.yaml").read_text(encoding="utf-8"),
        "dataAgreementId": AGREEMENT,
        "timeoutSeconds": 5,
    }
    wanted = {"name": "Civil registry", "service": service}
    asked = who.registry.call("POST", "/mediator/v1/registrations", 202, json=wanted).json()
    where = f"/mediator/v1/registrations/{asked['registrationId']}/approve"
    admin.call("POST", where, json={"allowPrivateHost": True})
    rights = f"{at}/CIVIL/applications/registry/services/people/rights"
    for consumer in (PORTAL, JIBU):
        only = {"endpoints": [{"method": "GET", "path": "/person"}]}
        admin.call("PUT", f"{rights}/{consumer}", 201, json=only)


def publish_rules(who: Callers) -> None:
    """Make the data agreement and load the general rules."""
    heading("2. The agency makes a data agreement and loads the rules on passports")
    policy = {"id": "privacy", "name": "Privacy", "version": "1", "url": "https://agency.example/privacy"}
    agreement = {
        "id": AGREEMENT,
        "version": "1",
        "policy": {"id": "privacy"},
        "purpose": "Advice on one's own passport",
        "lawfulBasis": "consent",
        "dpia": "https://agency.example/dpia",
    }
    who.officer.call("POST", "/consent/v1/config/policy/", json={"policy": policy})
    who.officer.call("POST", "/consent/v1/config/data-agreement/", json={"dataAgreement": agreement})
    who.officer.call("POST", "/consent/v1/service/individual/", json={"individual": {"id": PERSON}})
    collection = {"title": "Passports", "languages": ["en"]}
    who.officer.call("PUT", "/rag/v1/collections/passports", 201, json=collection)
    text = (HERE / "passport-rules.md").read_text(encoding="utf-8")
    document = {"title": "Renewing a passport", "text": text, "mediaType": "text/markdown", "language": "en"}
    loaded = who.officer.call("POST", "/rag/v1/collections/passports/documents", 202, json=document)

    def indexed() -> bool:
        state = who.officer.call("GET", loaded.headers["location"], quiet=True).json()
        return bool(state["status"] == "indexed")

    until(indexed, "the document is indexed")


def ask(who: Callers, request_id: str, expected: int = 200, question: str = QUESTION) -> dict[str, Any]:
    """Ask on behalf of the person, naming the registry; print the question, and a problem's code and detail."""
    body = {"question": question, "personalContext": CONTEXT | {"services": [SERVICE]}}
    print(f"   Q: {question}")
    headers = {"X-Request-Id": request_id}
    answer: dict[str, Any] = who.portal.call(
        "POST", "/rag/v1/query", expected, json=body, headers=headers
    ).json()
    if expected >= 400:
        print(f"   {answer['type']}: {answer['detail']}")
    return answer


def show(answer: dict[str, Any]) -> None:
    """Print an answer and its citations as people read them."""
    print(f"   {answer['status']}" + (f" ({answer['reason']})" if answer["reason"] else ""))
    for line in filter(None, answer["answer"].splitlines()):
        print(f"     {line}")
    for one in answer["citations"]:
        live = one["kind"] == "service"
        where = one["fieldPath"] if live else " > ".join(one["sectionPath"])
        quote = " ".join(one["quote"].split())
        print(f"     [{one['number']}] {one['kind']}: {one['title']}, {where}: “{quote}”")
    for one in answer["liveSources"]:
        reason = f" ({one['reason']})" if one["reason"] else ""
        print(f"     source {one['serviceId']}: {one['outcome']}{reason}")


def relay_call(who: Callers, expected: int, request_id: str) -> httpx.Response:
    """Let the portal read the record itself, through the mediator."""
    headers = {"X-Road-Id": request_id, "X-Individual-Id": PERSON}
    return who.portal.call("GET", f"/r1/{SERVICE}/person", expected, headers=headers)


def messages(who: Callers, request_id: str) -> list[dict[str, Any]]:
    """Return the entries of the message log with a request id, as the auditor sees them."""
    where = "/mediator/v1/messages"
    found = who.auditor.call("GET", where, quiet=True, params={"requestId": request_id}).json()
    entries: list[dict[str, Any]] = found["items"]
    return entries


def sealed(who: Callers, request_id: str) -> list[dict[str, Any]]:
    """Return the entries once all of them are signed, else none."""
    entries = messages(who, request_id)
    return entries if all(entry["batch"] for entry in entries) else []


def without_consent(who: Callers, registry: Registry) -> None:
    """Nothing is said, and the registry is not even asked."""
    heading("3. Asked before there is consent")
    refused = ask(who, "example-1", 403)
    check(refused["type"].endswith("consent-required"), "the question is refused for want of consent")
    relay_call(who, 403, "example-2")
    check('"/person"' not in registry.log(), "the registry was not asked")


def with_consent(who: Callers) -> None:
    """The answer cites the registry's field beside the document; log, hash and field agree."""
    heading("4. Amina consents, and asks")
    where = f"{RECORDS}/data-agreement/{AGREEMENT}/"
    who.portal.call("POST", where, params={"individualId": PERSON})
    own = relay_call(who, 200, "example-3")
    pretty({"question": QUESTION, "personalContext": CONTEXT | {"services": [SERVICE]}})
    answer = ask(who, "example-4")
    pretty(answer)
    show(answer)
    live = [one for one in answer["citations"] if one["kind"] == "service"]
    written = [one for one in answer["citations"] if one["kind"] == "document"]
    check(live and written, "it cites the registry and a document")
    expiry = own.json()["passport"]["dateOfExpiry"]
    check(expiry in answer["answer"], f"the answer has the date of expiry, {expiry}")
    check("nine months" in answer["answer"], "the answer has the rule")
    for one in live:
        check(pointed(own.json(), one["fieldPath"]) is not None, f"{one['fieldPath']} is in the record")
    stored(who, answer["answerId"], expiry)
    heading("5. The message log has the proof")
    [entry] = until(lambda: sealed(who, "example-4"), "the entry is signed")
    pretty(entry)
    [by_portal] = messages(who, "example-3")
    sha256 = hashlib.sha256(own.content).hexdigest()
    check({one["responseSha256"] for one in live} == {sha256}, "the citation's hash is that of the record")
    check(
        entry["responseSha256"] == by_portal["responseSha256"] == sha256, "the log has the same hash, twice"
    )
    check({one["messageId"] for one in live} == {entry["messageId"]}, "the citation names the entry")
    check((entry["consumer"], entry["endpoint"]) == (JIBU, "/person"), "the entry says who asked for what")


def stored(who: Callers, answer_id: str, expiry: str) -> None:
    """What the auditor can read later says that it was answered, and from what, not what was said."""
    kept = who.auditor.call("GET", f"/rag/v1/answers/{answer_id}")
    quotes = [one["quote"] for one in kept.json()["citations"] if one["kind"] == "service"]
    check(
        set(quotes) == {None} and expiry not in kept.text, "the stored answer is without the registry's words"
    )


def pointed(value: Any, pointer: str) -> Any:
    """Return what a JSON Pointer points at. Raises: Unexpected."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (KeyError, IndexError, ValueError) as error:
            raise Unexpected(f"the record has no {pointer}") from error
    return value


def other_questions(who: Callers) -> None:
    """Other questions in other languages: the registry's words stay as they are, in its own language."""
    heading("6. Other questions")
    for number, (question, wanted) in enumerate(OTHERS):
        answer = ask(who, f"example-5-{number}", question=question)
        show(answer)
        check(all(word in answer["answer"] for word in wanted), f"the answer has {', '.join(wanted)}")


def withdrawn(who: Callers) -> None:
    """The door is closed at once, for questions and for calls."""
    heading("7. Amina withdraws")
    record = set_consent(who, to=False)
    check(record["optIn"] is False, "the record says no")
    ask(who, "example-6", 403)
    relay_call(who, 403, "example-7")
    passed = [entry for entry in messages(who, "example-6") if entry["outcome"] == "ok"]
    check(not passed, "nothing was exchanged")


def set_consent(who: Callers, *, to: bool) -> dict[str, Any]:
    """Change what the person's record says; return the record."""
    where = f"{RECORDS}/data-agreement/{AGREEMENT}/"
    found = who.portal.call("GET", where, headers={"X-ConsentBB-IndividualId": PERSON}).json()
    record = found["consentRecord"] | {"optIn": to}
    changed = who.portal.call(
        "PUT", f"{RECORDS}/consent-record/{record['id']}/", json={"consentRecord": record}
    )
    made: dict[str, Any] = changed.json()["consentRecord"]
    return made


def registry_away(who: Callers, registry: Registry) -> None:
    """What the documents say is said, and what is missing is named; where there is nothing to say, it is an error."""
    heading("8. Amina consents again, and the registry is away")
    set_consent(who, to=True)
    registry.stop()
    answer = ask(who, "example-8")
    show(answer)
    check(
        (answer["status"], answer["reason"]) == ("partial", "service-unavailable"), "it says what is missing"
    )
    check(all(one["kind"] == "document" for one in answer["citations"]), "it cites documents alone")
    problem = ask(who, "example-9", 502, "Where was I born?")
    check(problem["service"] == SERVICE, "the problem says which service")
    registry.start()
    check(ask(who, "example-10")["status"] == "answered", "with the registry back the question is answered")


def nothing_kept(who: Callers, block: Jibu, registry: Registry) -> None:
    """Look for the person's data in all that Jibu and the registry's log have kept."""
    heading("9. Nothing of it is kept")
    who.auditor.close()
    block.stop()
    record = json.loads((HERE / "people.json").read_text(encoding="utf-8"))[PERSON]
    kept = {path: path.read_bytes() for path in block.data.rglob("*") if path.is_file()}
    kept |= {block.log: block.log.read_bytes()}
    rule = "nine months before its date of expiry"
    check(any(rule.encode() in content for content in kept.values()), "the rules, which are kept, are found")
    rules = (HERE / "passport-rules.md").read_text(encoding="utf-8")
    told = [value for value in values(record) if value not in rules]  # "married" is in the rules too
    for value in told:
        forms = {value.encode(), json.dumps(value)[1:-1].encode(), value.encode("utf-16-le")}
        inside = [str(path) for path, content in kept.items() if any(form in content for form in forms)]
        check(not inside, f"“{value}” is in none of {len(kept)} files")
    check(
        not any(value in registry.log() for value in [PERSON, *told]),
        "the registry logged no person",
    )
    run(*jibu(block.data, "audit", "verify"))
    check(True, "`jibu audit verify` finds the message log and the consent as they were signed")


def values(record: Any) -> list[str]:
    """Return every text in a record that says something of the person."""
    if isinstance(record, dict):
        return [text for one in record.values() for text in values(one)]
    if isinstance(record, list):
        return [text for one in record for text in values(one)]
    return [str(record)]


def walk(folder: Path) -> None:
    """Go through all of it. Raises: Unexpected."""
    with contextlib.ExitStack() as stack:
        registry = Registry(folder)
        stack.callback(registry.stop)
        block = Jibu(folder)
        stack.callback(block.stop)
        print(f"civil registry at {registry.url}, Jibu at {block.url}")
        who = stack.enter_context(callers(block))
        join_mediator(who, registry)
        publish_rules(who)
        without_consent(who, registry)
        with_consent(who)
        other_questions(who)
        withdrawn(who)
        registry_away(who, registry)
        nothing_kept(who, block, registry)


def main() -> int:
    """Run the example; return the exit code."""
    parser = argparse.ArgumentParser(
        description="Personalised answers, from setting up to a withdrawn consent."
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep data and logs in this new folder")
    given = parser.parse_args()
    try:
        with workspace(given.keep) as folder:
            walk(folder)
    except Unexpected as error:
        print(f"\nNOT AS IT SHOULD BE: {error}", file=sys.stderr)
        return 1
    print("\nAll of it is as it should be.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

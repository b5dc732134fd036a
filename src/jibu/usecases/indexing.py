"""Index a received document: parse, save, embed in batches, make it live; then sweep up what it replaced.

Every step may break off at any moment and is taken up again where it was: what is parsed stays parsed,
and the index is asked which passages it holds already.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from jibu.domain.chunking import chunk
from jibu.domain.documents import Document, DocumentStatus, Failure, ParsedDocument
from jibu.domain.errors import Conflict, IndexBusy, JibuError, NotFound, ParseFailed, Unavailable
from jibu.domain.events import Job
from jibu.domain.generations import GenerationState
from jibu.domain.passages import Passage
from jibu.ports import (
    Clock,
    LanguageDetector,
    Parser,
    Records,
    Segmenter,
    Space,
    Spaces,
    UnitOfWork,
)
from jibu.usecases.feeding import Feeder
from jibu.usecases.telling import tell_document
from jibu.usecases.work import INDEX, SWEEP, SWEEP_DELAY_S, Handler, Keep, Later, LeaseLost, first_title

TRIES = 3
"""How often a job looks again for generations that began to be fed while it worked."""
LANGUAGE_SAMPLE = 20_000  # characters: enough to tell a document's language, cheap for long ones


class Indexing:
    """Does the relay's jobs "index" and "sweep"."""

    def __init__(
        self,
        *,
        records: Records,
        spaces: Spaces,
        parser: Parser,
        segmenter: Segmenter,
        detector: LanguageDetector,
        clock: Clock,
        sweep_delay_s: float = SWEEP_DELAY_S,
    ) -> None:
        self._records = records
        self._spaces = spaces
        self._parser = parser
        self._segmenter = segmenter
        self._detector = detector
        self._clock = clock
        self._sweep_delay_s = sweep_delay_s

    @property
    def handlers(self) -> dict[str, Handler]:
        """What the relay calls for each kind of job."""
        return {INDEX: self.run_job, SWEEP: self.sweep}

    def run_job(self, job: Job, keep: Keep = lambda: None) -> None:
        """Bring one document version into the index and make it live.

        A file that cannot be read fails for good, with its reason; the live version stays. Nothing is done
        for a version that is erased or overtaken by a newer one.

        Raises: TemporaryError (try again), LeaseLost, Stopping.
        """
        try:
            document = self._wanted(job)
            if document is None:
                self._finish(job)
                return
            document, passages = self._passages(document, job, keep)
            self._bring_live(document, job, passages, keep)
        except ParseFailed as error:
            self._fail(job, Failure(error.reason, str(error)))
        except (NotFound, LeaseLost):
            self._withdraw(job)
            raise LeaseLost from None

    def _wanted(self, job: Job) -> Document | None:
        with self._records.read() as uow:
            try:
                document = uow.documents.get(job.key, job.version)
            except NotFound:
                return None
        overtaken = document.live_version is not None and document.live_version >= job.version
        return None if overtaken else document

    def _passages(self, document: Document, job: Job, keep: Keep) -> tuple[Document, list[Passage]]:
        """Return the version's passages: saved by an earlier run, or parsed now."""
        with self._records.read() as uow:
            saved = uow.documents.passages(job.key, job.version)
            content = b"" if saved else uow.documents.content(job.key, job.version)
        if saved:
            return document, saved
        parsed = self._parser.parse(content, filename=document.filename, media_type=document.media_type)
        title = document.title
        if title == first_title(document.filename) and parsed.title:
            title = parsed.title
        passages = self._chunk(document, job.version, parsed, title)
        if not passages:
            raise ParseFailed("the document holds no text", "empty")
        keep()
        with self._records.write() as uow:
            uow.documents.save_parsed(job.key, job.version, parsed, passages, title=title)
            document = uow.documents.get(job.key, job.version)
            uow.commit()
        return document, passages

    def _chunk(self, document: Document, version: int, parsed: ParsedDocument, title: str) -> list[Passage]:
        declared = _primary(document.language) or _primary(parsed.language)
        language = declared or self._detector.detect(parsed.text[:LANGUAGE_SAMPLE])
        return chunk(
            parsed,
            document_id=document.document_id,
            version=version,
            title=title,
            language=language,
            segment=self._segmenter.sentences,
            count_tokens=self._spaces.live().embedder.count_tokens,
            detect=lambda text: self._detector.detect(text, default=language),
        )

    def _bring_live(self, document: Document, job: Job, passages: Sequence[Passage], keep: Keep) -> None:
        """Put the version into every generation that is fed and make it live.

        One may have begun to be fed meanwhile: then it gets the version as well. The live one alone has to be there;
        a version never waits for another one, which is built on without it.
        """
        for last in (*[False] * (TRIES - 1), True):
            spaces = self._spaces.fed()
            fed = {
                s.number
                for n, s in enumerate(spaces)
                if self._feed(s, document, job, passages, keep, must=n == 0)
            }
            if self._activate(job, passages, fed, release=last or len(fed) < len(spaces)):
                return
        raise Later(0.0)

    def _feed(
        self,
        space: Space,
        document: Document,
        job: Job,
        passages: Sequence[Passage],
        keep: Keep,
        *,
        must: bool,
    ) -> bool:
        """Add the version to one generation; return whether it is whole there. Raises: as ``run_job`` where it must."""
        feeder = Feeder(index=space.index, embedder=space.embedder, segmenter=self._segmenter)
        try:
            feeder.feed(document, job.version, passages, keep)
            missing = {p.passage_id for p in passages} - space.index.passage_ids(job.key, job.version)
            if missing:
                raise Unavailable(f"the index lost {len(missing)} passages")
        except IndexBusy:
            raise
        except JibuError:
            if must:
                raise
            return False
        return True

    def _activate(self, job: Job, passages: Sequence[Passage], fed: set[int], *, release: bool) -> bool:
        """Make the version live, tell of it and end the job, all at once; False where another generation needs it."""
        at = self._clock()
        counts = Counter(p.language for p in passages)
        with self._records.write() as uow:
            self._end(uow, job)
            try:
                uow.documents.activate(
                    job.key, job.version, at=at, languages=tuple(name for name, _ in counts.most_common())
                )
            except Conflict:
                uow.commit()
                return True
            for generation in uow.generations.all():  # none joins between here and the commit
                if generation.is_fed(at) and generation.number not in fed:
                    if not release or generation.state is GenerationState.LIVE:
                        return False
                    uow.generations.release(generation.number, at=at)
            tell_document(uow, "indexed", uow.documents.get(job.key, job.version), at)
            self._sweep_later(uow, job)
            uow.commit()
        return True

    def _fail(self, job: Job, failure: Failure) -> None:
        with self._records.write() as uow:
            self._end(uow, job)
            self._record_failure(uow, job, failure)
            uow.commit()

    def give_up(self, uow: UnitOfWork, job: Job, reason: str) -> None:
        """Show in the document's status that its job was parked after too many attempts."""
        if job.kind == INDEX:
            message = "could not be indexed for now; send it again to try again"
            try:
                self._record_failure(uow, job, Failure(reason, message))
            except NotFound:
                return

    def _record_failure(self, uow: UnitOfWork, job: Job, failure: Failure) -> None:
        uow.documents.fail(job.key, job.version, failure)
        document = uow.documents.get(job.key, job.version)
        tell_document(uow, "failed", document, self._clock(), reason=failure.reason)
        self._sweep_later(uow, job)

    def _sweep_later(self, uow: UnitOfWork, job: Job) -> None:
        uow.outbox.enqueue(SWEEP, job.key, job.version, at=self._clock(), delay_s=self._sweep_delay_s)

    @staticmethod
    def _end(uow: UnitOfWork, job: Job) -> None:
        if not uow.outbox.finish(job):
            raise LeaseLost

    def _finish(self, job: Job) -> None:
        with self._records.write() as uow:
            uow.outbox.finish(job)
            uow.commit()

    def _withdraw(self, job: Job) -> None:
        """Take back what was added for a document that was erased meanwhile."""
        with self._records.read() as uow:
            try:
                uow.documents.get(job.key)
            except NotFound:
                self._spaces.everywhere().delete_document(job.key)

    def sweep(self, job: Job, keep: Keep = lambda: None) -> None:
        """Remove replaced and failed versions from index and records, once no search can be using them.

        Raises: Later, TemporaryError, LeaseLost.
        """
        with self._records.read() as uow:
            try:
                document = uow.documents.get(job.key)
            except NotFound:
                document = None
        keep()
        if document is None:
            self._spaces.everywhere().delete_document(job.key)
            self._finish(job)
            return
        self._wait_for_readers(document)
        self._spaces.everywhere().delete_document(job.key, keep_version=document.live_version)
        with self._records.write() as uow:
            uow.documents.drop_versions(job.key, before=document.live_version or 0)
            uow.outbox.finish(job)
            uow.commit()

    def _wait_for_readers(self, document: Document) -> None:
        """Raise Later while a newer version is on its way or the live one is too fresh."""
        if document.status is DocumentStatus.RECEIVED:
            raise Later(self._sweep_delay_s)
        if document.indexed_at is not None:
            age = (self._clock() - document.indexed_at).total_seconds()
            if age < self._sweep_delay_s:
                raise Later(self._sweep_delay_s - age)


def _primary(tag: str | None) -> str | None:
    """Return the primary subtag, by which passages are found; None where a file declares something else."""
    primary = re.split("[-_]", (tag or "").strip(), maxsplit=1)[0].lower()
    return primary if re.fullmatch("[a-z]{2,3}", primary) else None

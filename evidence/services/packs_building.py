"""Builds an evidence pack: one snapshot of the database, streamed into a zip on disk."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.storage import FileSystemStorage
from django.db import DatabaseError, connection
from django.template.loader import render_to_string

import countersign
from audits.services.tiles import NotKept
from evidence.models import EvidencePack
from evidence.models.packs import pack_storage
from evidence.pack import cells, sheets, tags
from evidence.pack.bag import CHUNK, BagWriter
from evidence.pack.plan import Named, Plan, Scope, Source
from evidence.pack.proofs import Proven
from evidence.pack.sheets import Population
from evidence.report.budget import TooManyRows
from evidence.services import packs_populations, packs_proofs, packs_report
from evidence.services.packs_populations import IncompletePopulation
from evidence.services.packs_progress import Built, Progress, Stopped, hold
from evidence.services.packs_proofs import ProofMissing
from evidence.services.packs_report import ReportFailed
from policies.models import Integration

logger = logging.getLogger(__name__)

# What people read when a build fails; the log has the rest.
FAILURES: tuple[tuple[type[BaseException], str], ...] = (
    (IncompletePopulation, "A population does not hold as many rows as the database counted."),
    (ProofMissing, "A record has no entry in the ledger. Verify the ledger before anything else."),
    (NotKept, "A part of the ledger's tree is missing. Verify the ledger before anything else."),
    (ReportFailed, "The PDF report could not be made; the worker's log says why."),
    (TooManyRows, "The report would hold too many rows: choose fewer vendors or integrations."),
    (DatabaseError, "The database stopped answering. Try again in a few minutes."),
    (OSError, "The folder of the packs cannot be written: the disk may be full."),
)
REPORT_STEP = "Writing the report"
# The report takes about as long as so many rows.
REPORT_WEIGHT = 20_000
UNFORESEEN = "Something unforeseen stopped the build; the worker's log says what."
TOO_LONG = "It took longer than a worker may spend: choose a shorter period or fewer datasets."


def build_pack(number: int, *, at: dt.datetime, time_up: type[BaseException]) -> None:
    """Build the pack `number` as of the moment `at` (UTC), unless another worker does.

    Safe to repeat: a pack that is ready, failed or cancelled stays as it is. `time_up` is what the
    worker raises when its time is over.
    """
    with hold(number, at=at) as progress:
        if progress is None:
            return
        with _ending(progress, time_up), packs_populations.snapshot():
            _build(plan_of(EvidencePack.objects.get(pk=number)), progress)


@contextmanager
def _ending(progress: Progress, time_up: type[BaseException]) -> Iterator[None]:
    """Write down how the build failed, if it does; what was foreseen ends here."""
    why = UNFORESEEN
    try:
        yield
    except Stopped:
        logger.info("pack %s was cancelled or taken over", progress.pack)
        why = ""
    except time_up:
        why = TOO_LONG
    except tuple(kind for kind, _ in FAILURES) as error:
        logger.warning("pack %s failed: %s", progress.pack, type(error).__name__)
        why = next(sentence for kind, sentence in FAILURES if isinstance(error, kind))
    else:
        why = ""
    finally:
        with suppress(Stopped):
            if why:
                progress.failed(why)


def plan_of(pack: EvidencePack) -> Plan:
    """The pack's plan, with everything the build depends on beside the rows."""
    requested_by = get_user_model().objects.get(pk=pack.requested_by_id)
    return Plan(
        number=pack.pk,
        title=pack.title,
        period_start=pack.period_start,
        period_end=pack.period_end,
        as_of=pack.as_of,
        requested_by=requested_by.email,
        scope=_scope(pack),
        dataset_names=tuple(pack.datasets),
        source=_source(),
    )


def _scope(pack: EvidencePack) -> Scope:
    vendors = {vendor.pk: vendor for vendor in pack.vendors.all()}
    uses = pack.integrations.select_related("service__vendor")
    if not vendors and not uses:
        return Scope(None, None)
    if uses:
        vendors = vendors or {use.service.vendor_id: use.service.vendor for use in uses}
    else:
        uses = Integration.objects.filter(service__vendor__in=vendors)
    return Scope(
        tuple(Named(v.pk, v.slug, v.name) for _, v in sorted(vendors.items())),
        tuple(Named(i.pk, i.slug, i.name) for i in uses.order_by("pk")),
    )


def _source() -> Source:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_database()")
        version, database = cursor.fetchone()
    return Source(
        organization=settings.ORGANIZATION_NAME,
        portal=settings.PUBLIC_URL,
        code_version=countersign.__version__,
        database=f"PostgreSQL {version.split()[0]}, {database}",
        time_zone=settings.TIME_ZONE,
    )


def _build(plan: Plan, progress: Progress) -> None:
    storage = pack_storage()
    assert isinstance(storage, FileSystemStorage)  # the zip is written in place, then renamed
    # A folder for each attempt, so that a slow builder never touches its successor's file.
    name = f"{plan.number}/{progress.attempt}/{plan.folder}.zip"
    target = Path(storage.path(name))
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    with _replacing(target) as stream:
        proven = write_pack(plan, stream, progress)
        sha256, size = _digest(stream)
    built = Built(name, sha256, size, proven.note if proven else "")
    try:
        progress.ready(built)
    except Stopped:
        target.unlink()
        raise


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """A new file beside `target` that takes its place, durably, if all goes well."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".building-", delete=False) as file:
        temporary = Path(file.name)
        try:
            yield cast(BinaryIO, file)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o440)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _digest(stream: BinaryIO) -> tuple[str, int]:
    stream.seek(0)
    sha256 = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        sha256.update(chunk)
    return sha256.hexdigest(), stream.tell()


def write_pack(plan: Plan, target: BinaryIO, progress: Progress) -> Proven | None:
    """Write the whole zip; call it inside a snapshot. Returns: what its records are proven by."""
    with BagWriter(target, folder=plan.folder, moment=plan.as_of) as bag:
        with packs_populations.whole_tables():
            populations = _write_populations(bag, plan, progress)
        progress.start("Proving the records")
        entries = [population.entries for population in populations]
        proven = packs_proofs.write(bag, plan, entries, progress.tick)
        for population in populations:
            content = cells.pretty(sheets.sheet(plan, population, proven))
            bag.add(f"ipe/{population.dataset.name}.json", content)
        bag.add("scope.json", cells.pretty(_scope_file(plan, proven)))
        bag.add("withheld.csv", packs_populations.withheld(plan))
        progress.start(REPORT_STEP)
        _write_report(bag, plan, (populations, proven), progress)
        progress.start("Writing the index")
        index = sheets.index(plan, populations, bag.payload, proven)
        bag.add("index.json", cells.pretty(index))
        page = render_to_string("evidence/report/index.html", {"index": index, "plan": plan})
        bag.add("index.html", page.encode())
        known = {
            "plan": plan,
            "files": len(bag.payload),
            "example": populations[0],
            "proven": proven,
            # As the verifier prints them.
            "verified": f"{proven.shown:,}" if proven else "",
            "size": f"{proven.size:,}" if proven else "",
        }
        text = render_to_string("evidence/report/verify.txt", known)
        bag.seal(tags.bag_info(plan), {"VERIFY.txt": text.rstrip() + "\n"})
    return proven


def _write_report(
    bag: BagWriter,
    plan: Plan,
    written: tuple[Sequence[Population], Proven | None],
    progress: Progress,
) -> None:
    with tempfile.TemporaryFile(prefix="pack-") as spool:
        report = cast(BinaryIO, spool)
        html = packs_report.report_html(plan, *written)
        packs_report.render_pdf(html, plan.folder, report, progress.tick)
        bag.add_stream("report.pdf", report)
    progress.tick(REPORT_WEIGHT)


def _write_populations(bag: BagWriter, plan: Plan, progress: Progress) -> Sequence[Population]:
    counted = []
    for dataset in plan.datasets:
        counted.append((dataset, packs_populations.count(dataset, plan)))
        progress.tick()
    progress.start(
        "Writing populations", total=REPORT_WEIGHT + sum(count.rows for _, count in counted)
    )
    populations = []
    for dataset, count in counted:
        progress.start(f"Writing {dataset.title.lower()}")
        populations.append(packs_populations.write(bag, dataset, plan, count, progress.tick))
    return populations


def _scope_file(plan: Plan, proven: Proven | None) -> dict[str, object]:
    scope = plan.scope
    return {
        "title": plan.title,
        "organization": plan.source.organization,
        "period_start": plan.period_start.isoformat(),
        "period_end": plan.period_end.isoformat(),
        "both_days_count": True,
        "time_zone": plan.source.time_zone,
        "as_of": cells.moment(plan.as_of),
        "requested_by": plan.requested_by,
        "everything": scope.everything,
        "vendors": [{"slug": v.slug, "name": v.name} for v in scope.vendors or ()],
        "integrations": [{"slug": i.slug, "name": i.name} for i in scope.integrations or ()],
        "datasets": [dataset.name for dataset in plan.datasets],
        "signed": False,
        # The pack is not signed, but what its records are proven by is.
        "checkpoint": proven.members() if proven else None,
    }

from audits.models.archive import ArchiveEvent, LegalHold, LegalHoldRelease
from audits.models.calls import Call, Completion, Lease, Verdict
from audits.models.events import Event, Pending
from audits.models.gaps import Gap
from audits.models.ledger import Batch, Ledger, LedgerHead, LedgerKey, Partition, Tile
from audits.models.observed import Observation
from audits.models.reads import ReadEvent
from audits.models.security import KeyNetwork, SecurityEvent
from audits.models.usage import UsageCost, UsageCount, UsageImport, UsageMapping, UsageSource
from audits.models.verifications import CheckpointDelivery, Cosignature, Verification

__all__ = [
    "ArchiveEvent",
    "Batch",
    "Call",
    "CheckpointDelivery",
    "Completion",
    "Cosignature",
    "Event",
    "Gap",
    "KeyNetwork",
    "Lease",
    "Ledger",
    "LedgerHead",
    "LedgerKey",
    "LegalHold",
    "LegalHoldRelease",
    "Observation",
    "Partition",
    "Pending",
    "ReadEvent",
    "SecurityEvent",
    "Tile",
    "UsageCost",
    "UsageCount",
    "UsageImport",
    "UsageMapping",
    "UsageSource",
    "Verdict",
    "Verification",
]

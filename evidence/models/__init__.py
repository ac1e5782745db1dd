from evidence.models.findings import CheckRun, Finding, FindingEvent, Heartbeat, Notice
from evidence.models.packs import EvidencePack, PackEvent

__all__ = [
    "CheckRun",
    "EvidencePack",
    "Finding",
    "FindingEvent",
    "Heartbeat",
    "Notice",
    "PackEvent",
]

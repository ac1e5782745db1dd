from audits.models.calls import Call, Completion, Lease
from audits.models.reads import ReadEvent

__all__ = ["Call", "Completion", "Lease", "ReadEvent"]

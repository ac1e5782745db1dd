"""What the recorder answers: the call may go, or it must not, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from countersign.problems import PROBLEMS

if TYPE_CHECKING:
    from countersign.bundles import Bundle
    from countersign.client.settings import Enforcement, Mode

LEASE_S = 300.0


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands against a call, in the portal's words."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Go:
    """The call may be made. `recorded` says where its record stands: gap means nowhere.

    `lease_s` is how long, from now, the portal takes the call for running without a sign of life.
    """

    call_id: str
    receipt: Mapping[str, object] | None = None
    lease_s: float = LEASE_S
    recorded: Literal["portal", "journal", "gap"] = "portal"
    decision: Literal["allow"] = "allow"


@dataclass(frozen=True, slots=True)
class Stop:
    """The call must not be made. `status` is for the SDK's own error.

    403 and `denied`: the record of the denial stands, and `call_id` is its id. Every other code:
    no record could be made now.
    """

    status: int
    code: str
    reasons: tuple[Reason, ...] = ()
    call_id: str | None = None
    decision: Literal["deny"] = "deny"

    @property
    def sentence(self) -> str:
        """What to tell the caller; holds nothing of what was sent."""
        known = PROBLEMS.get(self.code)
        usual = known.detail if known else "The portal did not record the call."
        own = SENTENCES.get(self.code, usual)
        return " ".join([own, *(reason.sentence for reason in self.reasons)])


SENTENCES = {
    "denied": "The portal denied the call.",
    "audit-unavailable": "The portal could not record the call, and the mode is strict.",
    "bundle-missing": "No signed bundle of the portal is here, so nothing says what may be sent.",
    "bundle-stale": "The signed bundle is older than its mode allows, and no newer one came.",
    "bundle-refused": "The bundle that the portal sent is not signed by the key that is pinned.",
    "invalid-body": "The description of the call does not have the form that the portal takes.",
    "no-locks": "The spool needs a system with file locks, such as Linux or macOS.",
    "folder-refused": "The spool folder is another user's, or others may write into it.",
    "disk-full": "The disk that holds the spool folder is full, and the portal cannot be reached.",
    "not-writable": "The spool folder cannot be written, and the portal cannot be reached.",
    "spool-full": "The spool folder holds as much as it may, and the portal cannot be reached.",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for the next call: the bundle and the effective mode and enforcement.

    `stop` is set if no call may go whatever it is. `bundle` may be there all the same.
    """

    bundle: Bundle | None
    mode: Mode
    enforcement: Enforcement
    stop: Stop | None = None

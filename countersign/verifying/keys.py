"""Which key signs a ledger's checkpoints at which size, followed from one key to the next."""

from __future__ import annotations

from collections.abc import Sequence

from countersign import ed25519, notes
from countersign.verifying.gaps import members
from countersign.verifying.report import Report

# Entries that name keys. Canonical JSON escapes quotes in strings: only a member reads like this.
CHANGE = b'"type":"key-change"'
START = b'"type":"ledger-start"'


class Keys:
    """The keys of one ledger as its entries name them, and those that the reader trusts.

    A change of the key is an entry that is the last of its batch: the checkpoint of that batch is
    signed by the old key, and each later one by the new. So who trusts one key can follow.
    """

    def __init__(
        self, origin: str, *, trusted: Sequence[notes.Verifier], named: Sequence[notes.Verifier]
    ) -> None:
        """`trusted` come from outside; `named` is what the input itself calls its keys, in order.

        Keys of other ledgers among them are left out.
        """
        self.origin = origin
        self._trusted = [key for key in trusted if key.name == origin]
        self._named = [key for key in named if key.name == origin]
        self._current: notes.Verifier | None = None
        self._next: list[tuple[int, notes.Verifier]] = []
        self._signed_by: set[str] = set()

    def start(self, size: int) -> None:
        """Choose the key to begin with in a ledger that is followed from `size` entries on."""
        if size == 0 and self._current is not None:
            return  # its first entry named it
        known = self._named or self._trusted
        self._current = known[0] if known else None

    def read(self, index: int, entry: bytes, report: Report) -> None:
        """Take note of the key that an entry of type ledger-start or key-change names."""
        found = members(entry)
        payload = found.get("payload")
        said = payload if isinstance(payload, dict) else found
        if found.get("type") == "ledger-start" and index == 0:
            self._begin(said, report)
        elif found.get("type") == "key-change":
            self._change(index, said, report)

    def _begin(self, said: dict[str, object], report: Report) -> None:
        key = self._key(said.get("public_key"))
        if key is None or said.get("origin", self.origin) != self.origin:
            report.problem("Entry 0 does not name the ledger and its key.")
        else:
            self._current = key

    def _change(self, index: int, said: dict[str, object], report: Report) -> None:
        key, old = self._key(said.get("public_key")), said.get("previous_public_key")
        before = self._next[-1][1] if self._next else self._current
        if key is None or before is None or old != before.public_key.hex():
            report.problem(f"The change of key in entry {index:,} does not follow the key before.")
        else:
            self._next.append((index + 1, key))

    def _key(self, public_key: object) -> notes.Verifier | None:
        try:
            found = bytes.fromhex(str(public_key))
        except ValueError:
            return None
        return notes.Verifier(self.origin, found) if ed25519.is_public_key(found) else None

    def changes_before(self, size: int) -> int | None:
        """The size at which the old key signed last, if a checkpoint of `size` has a newer one."""
        return self._next[0][0] if self._next and self._next[0][0] < size else None

    def change(self) -> None:
        """Go on with the next key."""
        self._current = self._next.pop(0)[1]

    def adopt(self, signatures: Sequence[notes.Signature]) -> None:
        """Behind entries that are not here: take the key that signs now, if it is known.

        What the reader's key signed before them says nothing of another key after them, unless
        the reader trusts that one too.
        """
        by = {signature[:2] for signature in signatures}
        if self._current is not None and (self._current.name, self._current.key_id) in by:
            return
        for key in [*self._trusted, *self._named]:
            if (key.name, key.key_id) in by:
                if key not in self._trusted:
                    self._signed_by.clear()
                self._current = key
                return

    def verifier(self) -> notes.Verifier | None:
        """The key that signs now; None if nothing names it."""
        return self._current

    def good(self) -> None:
        """Remember that the present key's signature was good."""
        if self._current is not None:
            self._signed_by.add(self._current.vkey)

    def known(self) -> list[notes.Verifier]:
        """Every key heard of, for checkpoints that were kept elsewhere."""
        found = [*self._trusted, *self._named]
        found += [self._current] if self._current is not None else []
        return list(dict.fromkeys(found))

    def judge(self, report: Report) -> None:
        """Say whether the signatures were those of a key that the reader trusts."""
        if not self._trusted:
            report.remark(
                "No key was given, so the ledger's own was taken: this shows that the ledger is "
                "consistent, not whose it is. Give the key that you were told (--key)."
            )
        elif self._signed_by.isdisjoint(key.vkey for key in self._trusted):
            report.problem("No checkpoint is signed by the key that was given.")

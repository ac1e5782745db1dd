"""The log itself: its ledgers, their heads and keys, the batches of entries, tiles, partitions.

Every key begins with the ledger, so that an environment or a region can be a ledger of its own.
Rows are written by audits.services.appending alone; see docs/decisions/0014.
"""

from __future__ import annotations

from django.db import models

# Bytes of a SHA-256, and of a full tile.
HASH_BYTES = 32
TILE_BYTES = 256 * HASH_BYTES


class Ledger(models.Model):
    """One log with an order, a tree and a head of its own."""

    LIVE = 1
    TEST = 2

    id = models.PositiveSmallIntegerField(primary_key=True)
    slug = models.SlugField(max_length=40, unique=True)
    origin = models.CharField(  # noqa: DJ001 - not known before the first entry, and never empty
        max_length=200,
        null=True,
        unique=True,
        help_text="How checkpoints name it; set with the first entry, and never changed.",
    )
    livemode = models.BooleanField()

    class Meta:
        ordering = ["id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.slug


class LedgerKey(models.Model):
    """A public key that signed or signs a ledger's checkpoints. The secret one is never here."""

    ledger = models.ForeignKey(Ledger, on_delete=models.PROTECT, related_name="keys")
    public_key = models.BinaryField(max_length=HASH_BYTES, help_text="Ed25519, 32 bytes.")
    first_index = models.PositiveBigIntegerField(help_text="The first entry it vouches for.")
    retired_at_index = models.PositiveBigIntegerField(
        null=True, help_text="The entry that retired it, which it signed itself."
    )

    class Meta:
        ordering = ["ledger", "first_index"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["ledger", "public_key"], name="ledger_key_once_in_a_ledger"
            ),
            models.UniqueConstraint(
                fields=["ledger"],
                condition=models.Q(retired_at_index=None),
                name="ledger_key_one_in_use",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ledger_id} from {self.first_index}"


class LedgerHead(models.Model):
    """Where a ledger ends: the only row of it that changes, and a trigger lets it only grow."""

    ledger = models.OneToOneField(
        Ledger, on_delete=models.PROTECT, primary_key=True, related_name="head"
    )
    size = models.PositiveBigIntegerField(default=0, help_text="Entries so far.")
    frontier = models.BinaryField(
        default=b"", help_text="Hashes of the perfect subtrees, from left to right."
    )
    root = models.BinaryField(max_length=HASH_BYTES)
    last_received_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.ledger_id}: {self.size}"


class Batch(models.Model):
    """Entries that were appended at once, as the bytes that were hashed, and their checkpoint.

    It holds the entries `first_index` to `size` - 1, one canonical line each, joined by line feeds
    without one at the end. `size` is the tree's after it, `root` and `signature` are of that tree.
    """

    pk = models.CompositePrimaryKey("ledger_id", "first_index")
    ledger = models.ForeignKey(
        Ledger, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    first_index = models.PositiveBigIntegerField()
    size = models.PositiveBigIntegerField()
    received_at = models.DateTimeField(help_text="Of its last entry.")
    epoch = models.BigIntegerField(
        null=True, help_text="Under which it was decided; refused once that has passed."
    )
    root = models.BinaryField(max_length=HASH_BYTES)
    ledger_key = models.ForeignKey(
        LedgerKey, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    signature = models.BinaryField(max_length=64, help_text="Ed25519 over the checkpoint's text.")
    entries = models.BinaryField()

    class Meta:
        ordering = ["ledger_id", "first_index"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.ledger_id}: {self.first_index} to {self.size - 1}"


class Tile(models.Model):
    """256 hashes of one level of the tree, side by side; kept for ever.

    Source: C2SP tlog-tiles. Level 0 holds leaf hashes, level n the roots of tiles of level n - 1.
    """

    pk = models.CompositePrimaryKey("ledger_id", "level", "number")
    ledger = models.ForeignKey(
        Ledger, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    level = models.PositiveSmallIntegerField()
    number = models.PositiveBigIntegerField()
    hashes = models.BinaryField(max_length=TILE_BYTES)
    root = models.BinaryField(max_length=HASH_BYTES)

    class Meta:
        ordering = ["ledger_id", "level", "number"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.ledger_id}: tile {self.number} of level {self.level}"


class Partition(models.Model):
    """A stretch of a ledger that is stored, archived and disposed of as a whole.

    Holds the entries `first_index` to `end_index` - 1. The moments are those of its records, null
    while they are not known: then anything may be in it.
    """

    class State(models.TextChoices):
        OPEN = "open", "In the database"
        ARCHIVED = "archived", "In the archive, and in the database"
        DISPOSED = "disposed", "Disposed of"

    pk = models.CompositePrimaryKey("ledger_id", "number")
    ledger = models.ForeignKey(
        Ledger, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    number = models.PositiveIntegerField()
    first_index = models.PositiveBigIntegerField()
    end_index = models.PositiveBigIntegerField()
    first_received_at = models.DateTimeField(null=True)
    last_received_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)

    class Meta:
        ordering = ["ledger_id", "number"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="partition_holds_something",
                condition=models.Q(end_index__gt=models.F("first_index")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ledger_id}: {self.first_index} to {self.end_index - 1}"

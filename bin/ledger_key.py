"""The key that signs the ledger's checkpoints: made once, beside the database and never in it."""

import os
import secrets
import subprocess
from pathlib import Path

from install import PYTHON, Trouble

# Run by the site's interpreter: the supervisor itself has no driver.
ASK = """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=10) as connection:
    known = connection.execute("SELECT to_regclass('public.audits_ledgerkey')").fetchone()[0]
    held = known and connection.execute(
        "SELECT EXISTS (SELECT FROM public.audits_ledgerkey)"
    ).fetchone()[0]
    print("yes" if held else "no")
"""


def signing_key(data: Path, database_url: str) -> Path:
    """The file of the key, which is made if the database has no ledger yet.

    Raises: Trouble if the database has one, whose key is not in `data`: another key could sign
    nothing that would be believed.
    """
    file = data / "secrets" / "LEDGER_SIGNING_KEY"
    if file.exists():
        return file
    if has_ledger(database_url):
        raise Trouble(
            f"The database has a ledger, and {file}, the key that signed it, is gone. Put it back "
            "from your backup; without it docs/operating.md says what is left."
        )
    draft = file.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_hex(32), "ascii")
    # Not replace(): a key that came meanwhile is never overwritten.
    file.hardlink_to(draft)
    draft.unlink()
    return file


def has_ledger(database_url: str) -> bool:
    """Whether the database knows a key of a ledger. Raises: Trouble if it cannot be asked."""
    done = subprocess.run(
        [PYTHON, "-c", ASK],
        env={**os.environ, "DATABASE_URL": database_url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise Trouble(f"The database could not be asked for its ledger: {last}")
    return done.stdout.strip() == "yes"

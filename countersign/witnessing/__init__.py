"""A witness: sees a ledger grow, says so by cosignatures, and refuses to see two of it."""

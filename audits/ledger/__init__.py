"""The ledger's pure part: entries, jobs and how a batch of them is settled; no IO, no clock."""

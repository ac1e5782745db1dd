"""What lists show of the register, read for a whole page at once; a module for each subject."""

from vendors.lifecycle import SOON_DAYS, Standing, standing
from vendors.tables.figures import figures
from vendors.tables.timeline import expiry_timeline
from vendors.tables.vendors import VENDOR_LIST, VendorRow, in_chunks, listed, vendor_rows
from vendors.tables.words import ASSURANCE_WORDS, STATE_KINDS

__all__ = [
    "ASSURANCE_WORDS",
    "SOON_DAYS",
    "STATE_KINDS",
    "VENDOR_LIST",
    "Standing",
    "VendorRow",
    "expiry_timeline",
    "figures",
    "in_chunks",
    "listed",
    "standing",
    "vendor_rows",
]

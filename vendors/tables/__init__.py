"""What lists show of the register, read for a whole page at once; a module for each subject."""

from vendors.lifecycle import SOON_DAYS, Standing, standing
from vendors.tables.figures import figures
from vendors.tables.timeline import expiry_timeline
from vendors.tables.vendors import EXPORT_HEADERS, VendorRow, export_rows, listed, vendor_rows
from vendors.tables.words import ASSURANCE_WORDS, STATE_KINDS

__all__ = [
    "ASSURANCE_WORDS",
    "EXPORT_HEADERS",
    "SOON_DAYS",
    "STATE_KINDS",
    "Standing",
    "VendorRow",
    "expiry_timeline",
    "export_rows",
    "figures",
    "listed",
    "standing",
    "vendor_rows",
]

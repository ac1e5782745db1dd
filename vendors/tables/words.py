"""How a page names and colours where a paper or a vendor stands on a day."""

from __future__ import annotations

from vendors.coverage import Assurance
from vendors.models import Vendor

ASSURANCE_WORDS = {
    Assurance.CURRENT: ("ok", "Current"),
    Assurance.BRIDGED: ("ok", "Bridged"),
    Assurance.TYPE1_ONLY: ("soon", "Type I only"),
    Assurance.TYPE1_OVERDUE: ("bad", "Type II overdue"),
    Assurance.QUALIFIED: ("bad", "Qualified"),
    Assurance.STALE: ("bad", "Stale"),
    Assurance.GAP: ("bad", "Gap"),
    Assurance.CARVE_OUT: ("bad", "Carve-out open"),
    Assurance.NONE: ("neutral", "None accepted"),
}
STATE_KINDS = {
    Vendor.State.PROSPECT: "neutral",
    Vendor.State.IN_REVIEW: "info",
    Vendor.State.APPROVED: "ok",
    Vendor.State.CONDITIONS: "soon",
    Vendor.State.REJECTED: "bad",
    Vendor.State.SUSPENDED: "bad",
    Vendor.State.OFFBOARDING: "soon",
    Vendor.State.OFFBOARDED: "neutral",
}

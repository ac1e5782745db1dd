from vendors.models.agreements import Agreement, CoveredScope
from vendors.models.documents import Document
from vendors.models.epoch import Epoch
from vendors.models.facts import Dimension, Fact, Grade
from vendors.models.register import Service, ServiceModel, ServiceRegion, Vendor
from vendors.models.reports import AssuranceReport, BridgeLetter, ReportScope

__all__ = [
    "Agreement",
    "AssuranceReport",
    "BridgeLetter",
    "CoveredScope",
    "Dimension",
    "Document",
    "Epoch",
    "Fact",
    "Grade",
    "ReportScope",
    "Service",
    "ServiceModel",
    "ServiceRegion",
    "Vendor",
]

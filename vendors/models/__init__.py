from vendors.models.epoch import Epoch
from vendors.models.facts import Dimension, Fact, Grade
from vendors.models.papers import (
    Agreement,
    AssuranceReport,
    BridgeLetter,
    CoveredScope,
    Document,
    ReportScope,
)
from vendors.models.register import Service, ServiceModel, ServiceRegion, Vendor

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

from vendors.models.agreements import Agreement, CoveredScope
from vendors.models.costs import Capability, CostFact
from vendors.models.documents import Document
from vendors.models.epoch import Epoch
from vendors.models.facts import Dimension, Fact, Grade
from vendors.models.imports import ImportFile, RegisterImport
from vendors.models.register import Service, ServiceModel, ServiceRegion, Vendor
from vendors.models.report_parts import Cuec, ReportCondition, ReportException
from vendors.models.reports import AssuranceReport, BridgeLetter, ReportScope
from vendors.models.subservices import Subservice
from vendors.models.workbench import DocumentReading, ReportDraft

__all__ = [
    "Agreement",
    "AssuranceReport",
    "BridgeLetter",
    "Capability",
    "CostFact",
    "CoveredScope",
    "Cuec",
    "Dimension",
    "Document",
    "DocumentReading",
    "Epoch",
    "Fact",
    "Grade",
    "ImportFile",
    "RegisterImport",
    "ReportCondition",
    "ReportDraft",
    "ReportException",
    "ReportScope",
    "Service",
    "ServiceModel",
    "ServiceRegion",
    "Subservice",
    "Vendor",
]

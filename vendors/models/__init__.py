from vendors.models.agreements import Agreement
from vendors.models.clauses import AgreementClause
from vendors.models.costs import Capability, CostFact
from vendors.models.covered_scopes import CoveredScope
from vendors.models.documents import Document
from vendors.models.epoch import Epoch
from vendors.models.facts import Dimension, Fact, FactAssignment, Grade
from vendors.models.imports import ImportFile, RegisterImport
from vendors.models.offboarding import Offboarding, OffboardingStep
from vendors.models.questionnaires import (
    Answer,
    AnswerFact,
    Inquiry,
    InquiryView,
    Question,
    Questionnaire,
    QuestionSheet,
    Submission,
)
from vendors.models.register import Service, ServiceModel, ServiceRegion, Vendor
from vendors.models.replays import ApiReplay
from vendors.models.report_parts import Cuec, ReportCondition, ReportException
from vendors.models.reports import AssuranceReport, BridgeLetter, ReportScope
from vendors.models.requests import AgreementRequest
from vendors.models.reviews import ReviewItem, VendorCondition, VendorReview, VendorTransition
from vendors.models.saved_views import DefaultView, SavedView
from vendors.models.subservices import Subservice
from vendors.models.workbench import DocumentReading, ReportDraft

__all__ = [
    "Agreement",
    "AgreementClause",
    "AgreementRequest",
    "Answer",
    "AnswerFact",
    "ApiReplay",
    "AssuranceReport",
    "BridgeLetter",
    "Capability",
    "CostFact",
    "CoveredScope",
    "Cuec",
    "DefaultView",
    "Dimension",
    "Document",
    "DocumentReading",
    "Epoch",
    "Fact",
    "FactAssignment",
    "Grade",
    "ImportFile",
    "Inquiry",
    "InquiryView",
    "Offboarding",
    "OffboardingStep",
    "Question",
    "QuestionSheet",
    "Questionnaire",
    "RegisterImport",
    "ReportCondition",
    "ReportDraft",
    "ReportException",
    "ReportScope",
    "ReviewItem",
    "SavedView",
    "Service",
    "ServiceModel",
    "ServiceRegion",
    "Submission",
    "Subservice",
    "Vendor",
    "VendorCondition",
    "VendorReview",
    "VendorTransition",
]

"""The REST API of the register, below /api/v1/."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter
from django.urls.resolvers import URLPattern

from vendors.api import facts, papers, register


class RowNumber(IntConverter):
    """An id that PostgreSQL has room for: a longer one is no address, and no error."""

    regex = "[0-9]{1,18}"


register_converter(RowNumber, "row")
app_name = "vendors-api"
urlpatterns: list[URLPattern] = [
    path("vendors", register.VendorListView.as_view(), name="vendor-list"),
    path("vendors/<slug:slug>", register.VendorView.as_view(), name="vendor-detail"),
    path("services", register.ServiceListView.as_view(), name="service-list"),
    path("services/<slug:slug>", register.ServiceView.as_view(), name="service-detail"),
    path("agreements", papers.AgreementListView.as_view(), name="agreement-list"),
    path("agreements/<row:pk>", papers.AgreementView.as_view(), name="agreement-detail"),
    path(
        "agreements/<row:pk>/amendments", papers.AmendmentView.as_view(), name="agreement-amendment"
    ),
    path(
        "agreements/<row:pk>/termination",
        papers.TerminationView.as_view(),
        name="agreement-termination",
    ),
    path("reports", papers.ReportListView.as_view(), name="report-list"),
    path("reports/<row:pk>", papers.ReportView.as_view(), name="report-detail"),
    path("reports/<row:pk>/corrections", papers.CorrectionView.as_view(), name="report-correction"),
    path("facts", facts.FactListView.as_view(), name="fact-list"),
    path("facts/<row:pk>", facts.FactView.as_view(), name="fact-detail"),
]

"""The models whose changes are in the history: registers, policies, access; no trails."""

from __future__ import annotations

from typing import Any

TRACKED: list[str | dict[str, Any]] = [
    "vendors.Vendor",
    "vendors.Service",
    "vendors.ServiceModel",
    "vendors.ServiceRegion",
    "vendors.Fact",
    "vendors.CostFact",
    "vendors.Document",
    "vendors.Agreement",
    "vendors.AgreementClause",
    {"model": "vendors.AgreementRequest", "m2m_fields": ["services"]},
    "vendors.CoveredScope",
    "vendors.AssuranceReport",
    "vendors.ReportScope",
    "vendors.BridgeLetter",
    {"model": "vendors.SavedView", "exclude_fields": ["query"]},
    "vendors.RegisterImport",
    "vendors.ReportException",
    "vendors.Cuec",
    "vendors.ReportCondition",
    "vendors.Subservice",
    "policies.CostPlan",
    {"model": "vendors.VendorReview", "exclude_fields": ["snapshot"]},
    "vendors.ReviewItem",
    "vendors.VendorCondition",
    "vendors.Offboarding",
    "vendors.OffboardingStep",
    "vendors.FactAssignment",
    "vendors.Questionnaire",
    {"model": "vendors.Inquiry", "exclude_fields": ["token_sha256"]},
    # What a stranger drafts is not kept; what they submit is, in Submission.
    {"model": "vendors.Answer", "exclude_fields": ["value", "comment"]},
    "policies.DataPolicy",
    # What a version says is in it for good, by its digest.
    {"model": "policies.PolicyVersion", "exclude_fields": ["document"]},
    "policies.PolicyUse",
    "policies.BreakGlass",
    "policies.ExclusiveRoles",
    {"model": "policies.Principal", "exclude_fields": ["first_seen_at", "last_seen_at"]},
    {"model": "policies.PrincipalGroup", "m2m_fields": ["members"]},
    "policies.GroupMembership",
    "policies.Grant",
    # Lines, decisions and proofs are a trail of their own.
    {"model": "policies.AccessReview", "exclude_fields": ["population_query"]},
    "policies.DataClass",
    "policies.Requirement",
    {"model": "policies.Integration", "m2m_fields": ["data_classes"]},
    {"model": "policies.Approval", "exclude_fields": ["terms"]},
    {"model": "policies.IntegrationKey", "exclude_fields": ["secret_sha256"]},
    {
        "model": "portal.User",
        "exclude_fields": ["last_login"],
        "mask_fields": ["password"],
        "m2m_fields": ["groups", "user_permissions"],
    },
    {
        "model": "portal.PersonalToken",
        "exclude_fields": ["secret_sha256", "last_used_at"],
    },
    "portal.Directory",
    {
        "model": "portal.DirectoryToken",
        "exclude_fields": ["secret_sha256", "last_used_at"],
    },
    # Its data are secrets, sealed, and what a key said of itself.
    {"model": "mfa.Authenticator", "exclude_fields": ["data", "last_used_at"]},
    # Who was linked with which identity provider; of what that says nothing is kept.
    {"model": "socialaccount.SocialAccount", "exclude_fields": ["extra_data", "last_login"]},
    {"model": "auth.Group", "m2m_fields": ["permissions"]},
    "guardian.UserObjectPermission",
    {"model": "audits.UsageSource", "exclude_fields": ["tried_at", "trouble"]},
    "audits.UsageMapping",
]

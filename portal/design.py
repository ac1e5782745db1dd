"""The choice of a theme, and the style page that shows every part of the design system."""

import datetime as dt

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from portal.context import THEMES, address
from vendors import charts

ONE_YEAR = 365 * 24 * 60 * 60
SHOWN_ON = dt.date(2026, 11, 21)


@login_not_required
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme in a cookie, and go back to the page that asked; "auto" drops the cookie."""
    theme = request.POST.get("theme", "")
    if theme not in (*THEMES, "auto"):
        return HttpResponseBadRequest(
            "The theme is light, dark or auto.", content_type="text/plain"
        )
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        back = address("portal:home") or "/"
    response = redirect(back)
    if theme == "auto":
        response.delete_cookie(settings.THEME_COOKIE_NAME)
    else:
        response.set_cookie(
            settings.THEME_COOKIE_NAME,
            theme,
            max_age=ONE_YEAR,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


class StyleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(max_length=80, help_text="As it stands in the contract.")
    website = forms.URLField(required=False, assume_scheme="https")
    criticality = forms.ChoiceField(
        choices=[("", "Choose"), ("high", "High"), ("medium", "Medium"), ("low", "Low")]
    )
    starts_on = forms.DateField(label="First day in force")
    notice_days = forms.IntegerField(min_value=0, max_value=365, initial=30)
    deployment = forms.ChoiceField(
        widget=forms.RadioSelect,
        choices=[
            ("public", "Public API"),
            ("private", "Private endpoint"),
            ("vpc", "In our own network"),
        ],
    )
    data_classes = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        choices=[("phi", "PHI"), ("pii", "PII"), ("financial", "Financial")],
    )
    document = forms.FileField(required=False, help_text="One PDF of at most 25 MB.")
    notes = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    signed = forms.BooleanField(label="Both sides have signed", help_text="Check the last page.")
    fixed = forms.CharField(disabled=True, initial="Cannot be changed here", required=False)


class StyleFilter(forms.Form):
    q = forms.CharField(
        label="Search",
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Vendor or model"}),
    )
    state = forms.ChoiceField(
        required=False, choices=[("", "Any"), ("ok", "PHI allowed"), ("bad", "Blocked")]
    )
    mine = forms.BooleanField(label="Owned by me", required=False)


def sample_timeline() -> charts.Timeline:
    report, baa = "Report relied on", "BAA ends"

    def row(name: str, start: dt.date, end: dt.date, kind: str, ends: dt.date | None) -> charts.Row:
        word = {"main": report, "soon": "Ends within 60 days", "bad": "Expired"}[kind]
        marker = "bad" if ends and ends < SHOWN_ON else "main"
        days = (charts.Marker(ends, marker, baa),) if ends else ()
        return charts.Row(name, (charts.Span(start, end, kind, word),), days)

    return charts.timeline(
        [
            row("Mistral", dt.date(2026, 7, 1), dt.date(2026, 8, 27), "bad", None),
            row(
                "Deepgram", dt.date(2026, 7, 1), dt.date(2027, 5, 31), "main", dt.date(2026, 11, 2)
            ),
            row(
                "OpenAI API",
                dt.date(2026, 7, 1),
                dt.date(2026, 12, 31),
                "soon",
                dt.date(2027, 1, 8),
            ),
            row(
                "Azure OpenAI",
                dt.date(2026, 10, 1),
                dt.date(2027, 9, 30),
                "main",
                dt.date(2027, 9, 30),
            ),
        ],
        axis=charts.Axis(dt.date(2026, 7, 1), dt.date(2027, 12, 31), SHOWN_ON),
        caption=charts.Caption(
            "sample-timeline",
            "Expiry timeline, July 2026 to December 2027",
            "A bar shows how long a vendor's report is relied on, a diamond the day its BAA ends.",
        ),
    )


def sample_bars() -> charts.StackedBars:
    days = [SHOWN_ON - dt.timedelta(days=back) for back in range(29, -1, -1)]
    allowed = tuple(120 + (day.day * 37) % 90 - 80 * (day.weekday() > 4) for day in days)
    denied = tuple((day.day * 13) % 17 for day in days)
    return charts.stacked_bars(
        days,
        [charts.Series("Allowed", "main", allowed), charts.Series("Denied", "bad", denied)],
        caption=charts.Caption("sample-calls", "Calls by day and verdict, the last 30 days"),
    )


SAMPLE_PARTS = [
    charts.Part("baa-expired", 42, "bad"),
    charts.Part("principal-not-granted", 17, "soon"),
    charts.Part("region-not-allowed", 6, "neutral"),
]


SNIPPET = """from countersign import guard

with guard("claims-triage") as call:
    answer = client.responses.create(model="gpt-5", input=call.redact(text))
    call.complete(tokens_in=answer.usage.input_tokens)
"""
SAMPLE_DIFF = [
    {"kind": "same", "text": "PHI: BAA required"},
    {"kind": "removed", "text": "PHI: retention at most 30 days"},
    {"kind": "added", "text": "PHI: retention 0 days"},
]
SAMPLE_STEPS = [
    {"label": "Data", "state": "done", "url": "#forms"},
    {"label": "Service", "state": "done", "url": "#forms"},
    {"label": "Use", "state": "current"},
    {"label": "Check", "state": "ahead"},
]
SAMPLE_TABS = [
    {"label": "Overview", "url": "#main", "current": True},
    {"label": "Charts", "url": "#charts", "current": False, "count": 4},
    {"label": "Tables", "url": "#tables", "current": False, "count": 2},
    {"label": "Forms", "url": "#forms", "current": False},
]


@require_GET
def style(request: HttpRequest) -> HttpResponse:
    """Every part with its states. `?messages=1` shows the messages that follow a deed."""
    if request.GET.get("messages"):
        messages.success(request, "The agreement is recorded.")
        messages.warning(request, "It ends in 12 days.")
        messages.error(request, "The document was not stored: it is no PDF.")
    names = [f"Vendor {number}" for number in range(1, 241)]
    number = request.GET.get("page", "1")
    context = {
        "form": StyleForm(),
        "bound": StyleForm({"notice_days": "1000", "name": "x" * 81}),
        "filter": StyleFilter(request.GET),
        "diff": SAMPLE_DIFF,
        "snippet": SNIPPET,
        "steps": SAMPLE_STEPS,
        "tabs": SAMPLE_TABS,
        "page_obj": Paginator(names, 25).get_page(number),
        "timeline": sample_timeline(),
        "bars": sample_bars(),
        "bar_list": charts.bar_list(
            SAMPLE_PARTS, caption=charts.Caption("sample-reasons", "Reasons of denials")
        ),
        "donut": charts.donut(
            SAMPLE_PARTS, caption=charts.Caption("sample-donut", "Reasons of denials")
        ),
    }
    return render(request, "portal/style.html", context)

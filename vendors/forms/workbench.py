"""Begins a review in the workbench."""

from __future__ import annotations

from django import forms

from vendors.forms.papers import PdfField


class BeginForm(forms.Form):
    document = PdfField(
        label="The vendor's report (PDF)",
        help_text="Its text is read to propose what it says. Without it, you fill in all by hand.",
    )

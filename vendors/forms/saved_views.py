"""The form of a saved view: its name, and whom it is for."""

from __future__ import annotations

from django import forms

from vendors.models import SavedView


class ViewForm(forms.ModelForm):
    """Filters, columns and order come from the list as it is shown."""

    class Meta:
        model = SavedView
        fields = ("name", "is_shared")

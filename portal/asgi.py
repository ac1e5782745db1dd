"""What the ingest server runs: docs/decisions/0015-ingest-server.md."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from audits.api.asgi import application  # noqa: E402 - needs the apps loaded
from portal.starting import refuse_if_tampered  # noqa: E402

refuse_if_tampered()

__all__ = ["application"]

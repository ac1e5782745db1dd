"""What the web server runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

# The hot path stands beside Django's handler: docs/decisions/0004-hot-path.md.
django_application = get_wsgi_application()

from audits.api.wsgi import before  # noqa: E402 - needs the apps loaded
from portal.starting import refuse_if_tampered  # noqa: E402

refuse_if_tampered()

application = before(django_application)

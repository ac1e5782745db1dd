"""The portal's settings with two tables more."""

from portal.settings import *  # noqa: F403
from portal.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework.authtoken", "naive"]
ROOT_URLCONF = "naive.web"
ALLOWED_HOSTS = ["*"]

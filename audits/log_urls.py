"""The ledgers in the forms of C2SP: below /log/ and /api/v1/log/, the test log below test/."""

from django.urls import path
from django.urls.resolvers import URLPattern

from audits.api import log, log_parties

VIEWS = {
    "checkpoint": ("checkpoint", log.CheckpointView),
    "cosigned": ("checkpoint/cosigned", log.CosignedView),
    "entries": ("tile/entries/<path:place>", log.EntriesView),
    "tile": ("tile/<path:place>", log.TileView),
    "proof": ("proof/<str:entry>", log.ProofView),
    "consistency": ("consistency", log.ConsistencyView),
    "keys": ("keys", log_parties.KeysView),
    "cosignatures": ("cosignatures", log_parties.CosignaturesView),
}

app_name = "log"
# The description of the API names the live ledger's; the other has the same below test/.
urlpatterns: list[URLPattern] = [
    path(f"{before}{place}", view.as_view(slug=slug, **options), name=f"{slug}-{name}")
    for slug, before, options in (("live", "", {}), ("test", "test/", {"schema": None}))
    for name, (place, view) in VIEWS.items()
]

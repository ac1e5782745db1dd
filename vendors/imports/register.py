"""Vendors and services as an import reads them."""

from __future__ import annotations

from vendors.imports import cells
from vendors.imports.naming import (
    MODEL,
    NAMED,
    PROVIDER,
    REGION,
    SLUG,
    choice_column,
    chosen,
    folded,
    needs,
    owner_known,
    vendor_of,
)
from vendors.imports.planning import Column, Key, Kind, Known, Refused, Stored, Values
from vendors.models import Service, ServiceModel, ServiceRegion, Vendor
from vendors.models.register import TAKEN_SLUGS

# Vendors

CRITICALITY = chosen(Vendor.Criticality.choices)
_VENDOR_COLUMNS = (
    Column(
        "name",
        "Vendor",
        cells.text(120),
        needed=True,
        also=("name", "company"),
        example="Larkspur AI",
    ),
    Column(
        "slug",
        "Short name",
        SLUG,
        example="larkspur-ai",
        also=("slug",),
        help="In addresses. Made from the name where it is left out.",
    ),
    Column("legal_name", "Legal entity", cells.text(200), example="Larkspur AI, Inc."),
    Column("website", "Website", cells.address, also=("url",), example="https://larkspur.example"),
    choice_column("criticality", "Criticality", CRITICALITY, example="High"),
    Column(
        "owner",
        "Owner",
        cells.mail,
        also=("owner e-mail", "owner email"),
        help="E-mail address of a person who can sign in.",
    ),
    Column("review_interval_days", "Days between reviews", cells.whole(1, 3650), example="365"),
    Column("description", "Description", cells.text(2000), example="Speech to text for clinics"),
)


def _identify_vendor(values: Values, known: Known) -> Key:
    slug = values.get("slug")
    if slug is not None:
        key = ("vendor", str(slug))
        if key in known.stored:
            return key
    needs(values, "name")
    held = known.vendors.get(folded(values["name"]))
    if held is not None and slug is None and ("vendor", held) in known.stored:
        return ("vendor", held)
    return ("new", folded(values["name"]))


def _check_vendor(values: Values, stored: Stored | None, known: Known) -> None:
    owner_known(values, known)
    slug = values.get("slug")
    if stored is None and slug is not None:
        if slug in (*TAKEN_SLUGS, *known.slugs):
            raise Refused("slug", "This short name is taken.")
        known.slugs.add(str(slug))
    if "name" in values:
        mine = str(stored.values["slug"]) if stored else str(slug or "")
        holder = known.vendors.get(folded(values["name"]))
        if holder is not None and holder != mine:
            raise Refused("name", "Another vendor has this name.")
        known.vendors[folded(values["name"])] = mine


VENDORS = Kind(
    "vendors",
    "Vendors",
    "vendor",
    ("vendors.add_vendor", "vendors.change_vendor"),
    _VENDOR_COLUMNS,
    _identify_vendor,
    _check_vendor,
    ("name",),
    changeable=frozenset(column.name for column in _VENDOR_COLUMNS) - {"slug"},
    fixed="The short name of a vendor stays: it is in addresses and records.",
    note="New vendors begin as prospects. State and reviews are steps of their own: they are not "
    "imported.",
)

# Services

LIFECYCLE = chosen(ServiceModel.Lifecycle.choices)
PURPOSE = chosen(ServiceRegion.Purpose.choices)
GUARANTEE = chosen(ServiceRegion.Guarantee.choices)
DEPLOYMENT = chosen(Service.Deployment.choices)
_SERVICE_COLUMNS = (
    Column("vendor", "Vendor", cells.text(120), needed=True, help=NAMED, example="Larkspur AI"),
    Column(
        "name",
        "Service",
        cells.text(120),
        needed=True,
        also=("name", "product"),
        example="Larkspur API",
    ),
    Column(
        "provider",
        "Provider",
        PROVIDER,
        needed=True,
        example="larkspur",
        help="The provider's name in OpenTelemetry.",
    ),
    choice_column("deployment", "Deployment", DEPLOYMENT, example="Public API"),
    Column("plan", "Plan", cells.text(80), also=("plan or tier", "tier"), example="Enterprise"),
    Column(
        "endpoint_hosts",
        "Endpoint hosts",
        cells.listing(cells.host),
        also=("hosts", "endpoints"),
        example="api.larkspur.example",
    ),
    Column(
        "models",
        "Models",
        cells.listing(cells.offered(MODEL, cells.words(LIFECYCLE, "ga"))),
        example="lark-*; lark-next = preview",
        help="Divided by semicolons; after = the life cycle: ga, preview or deprecated.",
    ),
    Column(
        "regions",
        "Regions",
        cells.listing(
            cells.offered(
                REGION, cells.words(PURPOSE, "processing"), cells.words(GUARANTEE, "configurable")
            )
        ),
        example="us-east-1 = processing, contract",
        help="Divided by semicolons; after = what for and how firmly promised.",
    ),
    Column("description", "Description", cells.text(2000), example=""),
)


def _identify_service(values: Values, known: Known) -> Key:
    vendor = vendor_of(values, known)
    needs(values, "name")
    return ("service", vendor, folded(values["name"]))


def _check_service(values: Values, stored: Stored | None, known: Known) -> None:
    """Nothing beyond its cells: the vendor and the name tell a service apart."""


SERVICES = Kind(
    "services",
    "Services",
    "service",
    ("vendors.add_service", "vendors.change_service"),
    _SERVICE_COLUMNS,
    _identify_service,
    _check_service,
    ("vendor", "name"),
    changeable=frozenset(column.name for column in _SERVICE_COLUMNS) - {"vendor"},
    fixed="A service stays with its vendor.",
    note="Models and regions of a line take the place of all that are stored for the service.",
)

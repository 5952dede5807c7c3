"""Addresses of the API: every operation behind its door, the document, the docs page; all else is a problem."""

from django.urls import URLPattern, path, re_path

from tenure.web.api import (  # noqa: F401  bringing a file in declares its operations
    benefits,
    docs,
    events,
    invoices,
    offers,
    office_desk,
    office_money,
    office_partners,
    orders,
    people,
    subscriptions,
    support,
    webhooks,
)
from tenure.web.api.door import door
from tenure.web.api.operations import OPERATIONS, api
from tenure.web.shared.pages import Access

BY_PLACE: dict[str, dict[str, object]] = {}
for _each in OPERATIONS.values():
    BY_PLACE.setdefault(_each.path, {})[_each.method] = _each


def _addresses() -> dict[str, URLPattern]:
    """The framework's addresses, each once: it makes one for every method."""
    found = (each for router in api._get_bound_routers() for each in router.urls_paths(router.prefix))
    return {str(each.pattern): each for each in found}


def _guarded(pattern: URLPattern) -> URLPattern:
    """A framework's address with our door before it; the access walk reads who may open it."""
    view = pattern.callback
    place = "/" + str(pattern.pattern).replace("<int:", "{").replace("<", "{").replace(">", "}")
    methods = BY_PLACE[place]
    guarded = door(view, methods)
    guarded.csrf_exempt = True  # a key is no cookie: nothing of a browser's is believed here
    guarded.access = Access("api", None)
    guarded.operations = methods
    return path(str(pattern.pattern), guarded, name=pattern.name)


app_name = "api"
urlpatterns: list = [
    path("openapi.json", docs.document, name="openapi"),
    path("docs", docs.page, name="docs"),
    *map(_guarded, _addresses().values()),
    re_path(r"^.*$", docs.nothing_here),
]

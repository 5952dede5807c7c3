"""Every address of Tenure: portal at ``/``, office at ``/office/``, API at ``/api/v1/``, doorbells at ``/hooks/``."""

from django.urls import include, path

from tenure.web.hooks import gateways
from tenure.web.portal import cardpage, health, session

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("accounts/", include("tenure.web.shared.sign_in_urls")),
    path("language/", session.language, name="language"),
    path("clock/", session.clock, name="clock"),
    path("enter/<int:id>/", session.enter, name="enter"),
    path("hooks/demo", gateways.doorbell, {"gateway": "demo"}, name="demo-doorbell"),
    path("hooks/stripe/", gateways.doorbell, {"gateway": "stripe"}, name="stripe-doorbell"),
    path("pay/<path:path>", cardpage.pay, name="pay"),
    path("api/v1/", include("tenure.web.api.urls")),
    path("office/", include("tenure.web.office.urls")),
    path("", include("tenure.web.portal.urls")),
]

handler400 = "tenure.web.portal.session.unreadable"

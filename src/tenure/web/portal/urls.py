"""Addresses of the partner's portal."""

from django.urls import path

from tenure.web.portal import checkout, home, offers, orders, subscriptions

app_name = "portal"
urlpatterns: list = [
    path("", home.home, name="home"),
    path("offers/", offers.offers, name="offers"),
    path("offers/<slug:code>/", offers.offer, name="offer"),
    path("checkout/start/", checkout.start, name="checkout_start"),
    path("checkout/<uuid:key>/", checkout.checkout, name="checkout"),
    path("checkout/<uuid:key>/details/", checkout.details, name="checkout_details"),
    path("checkout/<uuid:key>/review/", checkout.review, name="checkout_review"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<str:number>/", orders.order, name="order"),
    path("orders/<str:number>/return/", orders.order_return, name="order_return"),
    path("orders/<str:number>/pay/", orders.order_pay, name="order_pay"),
    path("orders/<str:number>/cancel/", orders.order_cancel, name="order_cancel"),
    path("orders/<str:number>/proof/", orders.order_proof, name="order_proof"),
    path("orders/<str:number>/pro-forma.pdf", orders.order_document, name="order_document"),
    path("orders/<str:number>/transfer.svg", orders.order_qr, name="order_qr"),
    path("subscriptions/<int:id>/", subscriptions.subscription, name="subscription"),
    path("subscriptions/<int:id>/auto-renew/", subscriptions.auto_renew_off, name="auto_renew_off"),
    path("subscriptions/<int:id>/cancel/", subscriptions.cancel, name="subscription_cancel"),
]

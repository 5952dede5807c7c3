"""Addresses of the partner's portal."""

from django.urls import path

app_name = "portal"
urlpatterns: list = []

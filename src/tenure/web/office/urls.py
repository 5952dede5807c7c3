"""Addresses of the back office."""

from django.urls import path

app_name = "office"
urlpatterns: list = []

"""Addresses of customers and contacts. Fixed words come before keys: no customer is called new."""

from __future__ import annotations

from django.urls import URLPattern, path

from apps.portal.views import customer_import, customers

urlpatterns: list[URLPattern] = [
    path("customers/", customers.customers, name="customers"),
    path("customers/new/", customers.customer_new, name="customer_new"),
    path("customers/import/", customer_import.customer_import, name="customer_import"),
    path("customers/contacts/", customers.contacts, name="contacts"),
    path("customers/contacts/new/", customers.contact_new, name="contact_new"),
    path("customers/contacts/<int:pk>/", customers.contact, name="contact"),
    path("customers/contacts/<int:pk>/block/", customers.contact_block, name="contact_block"),
    path("customers/contacts/<int:pk>/archive/", customers.contact_archive, name="contact_archive"),
    path("customers/<slug:key>/", customers.customer, name="customer"),
    path("customers/<slug:key>/edit/", customers.customer_edit, name="customer_edit"),
    path("customers/<slug:key>/archive/", customers.customer_archive, name="customer_archive"),
]

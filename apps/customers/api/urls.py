from __future__ import annotations

from django.urls import path

from apps.customers.api import views

urlpatterns = [
    path("customers", views.CustomerList.as_view(), name="api-customers"),
    path("customers/<str:key>", views.CustomerDetail.as_view(), name="api-customer"),
    path(
        "customers/<str:key>/contacts",
        views.CustomerContacts.as_view(),
        name="api-customer-contacts",
    ),
    path("customers/<str:key>/orgs", views.CustomerOrgs.as_view(), name="api-customer-orgs"),
    path("contacts", views.ContactList.as_view(), name="api-contacts"),
    path("contacts/<str:pk>", views.ContactDetail.as_view(), name="api-contact"),
    path("orgs", views.OrgList.as_view(), name="api-orgs"),
    path("orgs/<str:key>", views.OrgDetail.as_view(), name="api-org"),
    path("connections", views.ConnectionList.as_view(), name="api-connections"),
    path("connections/<str:pk>", views.ConnectionDetail.as_view(), name="api-connection"),
]

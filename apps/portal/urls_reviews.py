"""Reviews: the list, and the one of an incident."""

from __future__ import annotations

from django.urls import path

from apps.portal.views import reviews, reviews_act

urlpatterns = [
    path("reviews/", reviews.review_list, name="reviews"),
    path("incidents/<str:ref>/review/", reviews.incident_review, name="incident_review"),
    path(
        "incidents/<str:ref>/review/section/<slug:section>/",
        reviews.incident_review_section,
        name="incident_review_section",
    ),
    path(
        "incidents/<str:ref>/review/<slug:do>/",
        reviews_act.incident_review_do,
        name="incident_review_do",
    ),
]

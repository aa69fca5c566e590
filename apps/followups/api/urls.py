from __future__ import annotations

from django.urls import path

from apps.followups.api import views

ONE = "followups/<str:ref>"

urlpatterns = [
    path("followups", views.FollowUpList.as_view(), name="api-followups"),
    path(ONE, views.FollowUpDetail.as_view(), name="api-followup"),
    path(f"{ONE}/transition", views.FollowUpTransition.as_view(), name="api-followup-transition"),
    path(f"{ONE}/evidence", views.FollowUpEvidence.as_view(), name="api-followup-evidence"),
    path(
        f"{ONE}/evidence/<str:pk>/withdraw",
        views.FollowUpEvidenceWithdraw.as_view(),
        name="api-followup-evidence-withdraw",
    ),
    path(f"{ONE}/notes", views.FollowUpNotes.as_view(), name="api-followup-notes"),
]

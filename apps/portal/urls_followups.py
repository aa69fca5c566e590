"""The ledger of follow-ups, below `/followups/`."""

from __future__ import annotations

from django.urls import path

from apps.portal.views import followups, followups_acts, followups_writing

urlpatterns = [
    path("", followups.followups, name="followups"),
    path("new/", followups_writing.followup_new, name="followup_new"),
    path("<str:ref>/", followups.followup, name="followup"),
    path("<str:ref>/edit/", followups_writing.followup_edit, name="followup_edit"),
    path("<str:ref>/do/<slug:do>/", followups_acts.followup_act, name="followup_act"),
]

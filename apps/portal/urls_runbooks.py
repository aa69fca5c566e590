"""Addresses of runbooks and runs. Fixed words come before keys: no runbook is called new."""

from __future__ import annotations

from django.urls import URLPattern, path

from apps.portal.views.runbooks import act, pages, runs, write

urlpatterns: list[URLPattern] = [
    path("runbooks/", pages.runbooks, name="runbooks"),
    path("runbooks/new/", write.runbook_new, name="runbook_new"),
    path("runbooks/import/", write.runbook_import, name="runbook_import"),
    path("runbooks/runs/", runs.runs, name="runbook_runs"),
    path("runbooks/runs/<str:ref>/", runs.run, name="runbook_run"),
    path("runbooks/runs/<str:ref>/live/", runs.run_live, name="runbook_run_live"),
    path("runbooks/runs/<str:ref>/move/", runs.run_move, name="runbook_run_move"),
    path("runbooks/runs/<str:ref>/<int:position>/", runs.run_step, name="runbook_run_step"),
    path("runbooks/runs/<str:ref>/<int:position>/wrong/", runs.run_wrong, name="runbook_run_wrong"),
    path("runbooks/<slug:key>/", pages.runbook, name="runbook"),
    path("runbooks/<slug:key>/edit/", write.runbook_edit, name="runbook_edit"),
    path("runbooks/<slug:key>/about/", write.runbook_about, name="runbook_about"),
    path("runbooks/<slug:key>/export/", pages.runbook_export, name="runbook_export"),
    path("runbooks/<slug:key>/submit/", act.runbook_submit, name="runbook_submit"),
    path("runbooks/<slug:key>/approve/", act.runbook_approve, name="runbook_approve"),
    path("runbooks/<slug:key>/return/", act.runbook_return, name="runbook_return"),
    path("runbooks/<slug:key>/review/", act.runbook_review, name="runbook_review"),
    path("runbooks/<slug:key>/retire/", act.runbook_retire, name="runbook_retire"),
    path("runbooks/<slug:key>/start/", act.runbook_start, name="runbook_start"),
]

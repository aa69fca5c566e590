from __future__ import annotations

from django.urls import path

from apps.runbooks.api import runs, views

_VERSION = "runbooks/<str:key>/versions/<str:number>"
_STEP = "executions/<str:ref>/steps/<str:position>"

urlpatterns = [
    path("runbooks", views.RunbookList.as_view(), name="api-runbooks"),
    path("runbooks/<str:key>", views.RunbookDetail.as_view(), name="api-runbook"),
    path("runbooks/<str:key>/export", views.RunbookExport.as_view(), name="api-runbook-export"),
    path("runbooks/<str:key>/reviews", views.RunbookReviews.as_view(), name="api-runbook-reviews"),
    path("runbooks/<str:key>/retire", views.RunbookRetire.as_view(), name="api-runbook-retire"),
    path(_VERSION, views.VersionDetail.as_view(), name="api-runbook-version"),
    path(f"{_VERSION}/submit", views.VersionSubmit.as_view(), name="api-runbook-submit"),
    path(f"{_VERSION}/return", views.VersionReturn.as_view(), name="api-runbook-return"),
    path(f"{_VERSION}/approve", views.VersionApprove.as_view(), name="api-runbook-approve"),
    path("executions", runs.ExecutionList.as_view(), name="api-executions"),
    path("executions/<str:ref>", runs.ExecutionDetail.as_view(), name="api-execution"),
    path(
        "executions/<str:ref>/transition",
        runs.ExecutionTransition.as_view(),
        name="api-execution-transition",
    ),
    path(_STEP, runs.ExecutionStep.as_view(), name="api-execution-step"),
    path(f"{_STEP}/wrong", runs.ExecutionStepWrong.as_view(), name="api-execution-wrong"),
]

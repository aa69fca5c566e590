from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path

from apps.incidents.api import figures, framework, reviews, running, updates, views

ONE = "incidents/<str:ref>"


def _at(tail: str, view: Any, name: str) -> URLPattern:
    """An address below one incident."""
    found: URLPattern = path(f"{ONE}/{tail}", view.as_view(), name=f"api-incident-{name}")
    return found


urlpatterns = [
    path("severities", framework.Severities.as_view(), name="api-severities"),
    path(
        "severities/suggest", framework.SeveritySuggestion.as_view(), name="api-severity-suggestion"
    ),
    path("incident-types", framework.IncidentTypes.as_view(), name="api-incident-types"),
    path("audiences", framework.Audiences.as_view(), name="api-audiences"),
    path("incident-metrics", figures.IncidentMetrics.as_view(), name="api-incident-metrics"),
    path("incident-hints", running.Hints.as_view(), name="api-incident-hints-before"),
    path("incidents", views.IncidentList.as_view(), name="api-incidents"),
    path(ONE, views.IncidentDetail.as_view(), name="api-incident"),
    _at("transition", views.IncidentTransition, "transition"),
    _at("severity", views.IncidentSeverity, "severity"),
    _at("milestones", views.IncidentMilestones, "milestones"),
    _at("merge", views.IncidentMerge, "merge"),
    _at("unmerge", views.IncidentUnmerge, "unmerge"),
    _at("timeline", views.IncidentTimeline, "timeline"),
    _at("timeline/<str:pk>/correct", views.IncidentCorrection, "correction"),
    _at("acknowledge", views.IncidentAcknowledge, "acknowledge"),
    _at("page", running.IncidentPage, "page"),
    _at("hints", running.IncidentHints, "hints"),
    _at("roles", running.IncidentRoles, "roles"),
    _at("tasks", running.IncidentTasks, "tasks"),
    _at("tasks/<str:pk>", running.IncidentTaskDetail, "task"),
    _at("tasks/<str:pk>/transition", running.IncidentTaskTransition, "task-transition"),
    _at("impacts", running.IncidentImpacts, "impacts"),
    _at("impacts/<str:pk>", running.IncidentImpactDetail, "impact"),
    _at("impacts/<str:pk>/remove", running.IncidentImpactRemove, "impact-remove"),
    _at("links", running.IncidentLinks, "links"),
    _at("links/<str:pk>", running.IncidentLinkDetail, "link"),
    _at("updates", updates.IncidentUpdates, "updates"),
    _at("updates/prepared", updates.IncidentPrepared, "prepared"),
    _at("updates/<str:pk>", updates.IncidentUpdateDetail, "update"),
    _at("updates/<str:pk>/transition", updates.IncidentUpdateTransition, "update-transition"),
    _at("promises", updates.IncidentPromises, "promises"),
    _at("review", reviews.IncidentReview, "review"),
    _at("review/transition", reviews.IncidentReviewTransition, "review-transition"),
    _at("review/factors/<str:key>", reviews.IncidentReviewFactor, "review-factor"),
    _at("review/comments", reviews.IncidentReviewComments, "review-comments"),
]

"""Incidents: the list, declaring one, its page and all that people do there."""

from __future__ import annotations

import re

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from apps.incidents.models import Incident
from apps.portal.access import viewer

_REF = re.compile(r"inc-(\d{1,18})", re.IGNORECASE | re.ASCII)


def page_of(ref: str) -> str:
    """The address of an incident's page."""
    return reverse("incident", kwargs={"ref": ref})


def find(request: HttpRequest, ref: str) -> Incident:
    """The incident of a reference, if its reader may see it; else 404."""
    match = _REF.fullmatch(ref)
    if match is None:
        raise Http404
    seen = Incident.objects.visible_to(viewer(request)).select_related(
        "surface__team__lead", "surface__parent", "commander", "type", "merged_into"
    )
    return get_object_or_404(seen, pk=int(match.group(1)))

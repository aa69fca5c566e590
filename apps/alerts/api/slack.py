"""`/hooks/<token>/slack`: Slack's own requests, signed, answered at once.

Django answers it, not the lean path: a command wants its answer in the reply, within 3 seconds.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException
from django.views.decorators.csrf import csrf_exempt

from apps.alerts.services import slack as services
from apps.core import clock, secrets
from apps.core.middleware import problem_response
from apps.intake.adapters import slack as wire
from apps.intake.canonical import InvalidEvent
from apps.intake.models import Integration
from apps.intake.signatures import verify


@login_not_required  # the token in the address and Slack's signature say who it is
@csrf_exempt  # Slack has no cookie of ours; its signature stands for it
def slack(request: HttpRequest, token: str) -> HttpResponse:
    """A handshake, a pressed button or a slash command."""
    rows = Integration.objects.filter(kind=Integration.Kind.SLACK, archived_at=None)
    row = rows.filter(digest=secrets.digest(token)).first()
    if row is None:
        return problem_response(404, "not_found", "There is no integration at this address.")
    if request.method != "POST":
        refused = problem_response(405, "method_not_allowed", "Send a POST here.")
        refused["Allow"] = "POST"
        return refused
    now = clock.now()
    try:
        body, headers = request.body, dict(request.headers.items())
    except RawPostDataException:  # a multipart form, whose bytes are gone when it was read as one
        return problem_response(400, "not_a_form", "Send JSON or an ordinary form.")
    opened = [secrets.unseal(one) for one in (row.secret_sealed, row.secret_old_sealed) if one]
    fits = verify(wire.KIND, secrets=opened, body=body, headers=headers, now=now.timestamp())
    if fits is not True:
        return problem_response(401, "bad_signature", "The signature does not fit.")
    try:
        asked = wire.read(body)
    except InvalidEvent as error:
        return problem_response(400, error.code, error.message)
    if asked.what == "handshake":
        return JsonResponse({"challenge": asked.challenge})
    reply = services.take(integration=row, asked=asked, body=body, headers=headers, now=now)
    if reply is None:
        return HttpResponse(status=200)
    return JsonResponse(
        {"response_type": "ephemeral", "replace_original": False, "text": reply.text}
    )

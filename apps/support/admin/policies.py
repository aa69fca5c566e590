"""SLA policies: the list in the order in which they are asked, one page with the grid of each."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from apps.core import audit, clock
from apps.core.admin_base import ModelAdmin, act, display, register
from apps.core.admin_base.lists import Filter, chip
from apps.core.admin_base.pages import REFUSALS
from apps.support.admin.policy_page import Effect, PolicyPage
from apps.support.admin.what_if_lines import changed_line, outcome_line
from apps.support.models import Priority, SlaPolicy, TicketClock
from apps.support.selectors import what_if
from apps.support.services import policies

MOST_ORDERED = 200


class InUse(Filter):
    title = "in use"
    parameter_name = "use"
    choices_offered = (("yes", "In use"), ("no", "Out of use"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = {"yes": True, "no": False}.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(is_active=wanted)


@register(SlaPolicy)
class SlaPolicyAdmin(ModelAdmin[SlaPolicy]):
    intro = (
        "What is promised to whom. A ticket gets the first policy that takes it, in this order; "
        "the default takes what no other does."
    )
    empty_text = "No policy: nothing is promised. Add the default."
    change_list_template = "admin/support/policies.html"
    list_display = ["name", "place", "takes", "calendar", "running", "state"]
    list_filter = [InUse]
    list_select_related = ["calendar", "match_queue", "match_type", "match_account"]
    search_fields = ["name", "match_tag"]
    ordering = ["is_default", "position", "pk"]
    sortable_by = ()

    # -- the list

    def enrich(self, rows: list[SlaPolicy], now: Any) -> None:
        clocks = TicketClock.objects.unfinished().filter(policy__in=[row.pk for row in rows])
        counted: dict[int | None, int] = {}
        for policy_id in clocks.order_by().values_list("policy_id", flat=True)[:10_000]:
            counted[policy_id] = counted.get(policy_id, 0) + 1
        for row in rows:
            row.running_now = counted.get(row.pk, 0)  # type: ignore[attr-defined] # read by the column

    @display(description="asked")
    def place(self, obj: SlaPolicy) -> str:
        return "last" if obj.is_default else str(obj.position)

    @display(description="takes")
    def takes(self, obj: SlaPolicy) -> str:
        return told(obj)

    @display(description="promises now")
    def running(self, obj: Any) -> str:
        return f"{obj.running_now:,}" if obj.running_now else "none"

    @display(description="state")
    def state(self, obj: SlaPolicy) -> object:
        if obj.is_default:
            return chip("Default", "success")
        return chip("In use", "success") if obj.is_active else chip("Out of use")

    # -- the page

    def get_urls(self) -> list[URLPattern]:
        order = self.admin_site.admin_view(self.order_view)
        what_if = self.admin_site.admin_view(self.what_if_view)
        return [
            path("order/", order, name="support_slapolicy_order"),
            path("<path:object_id>/what-if/", what_if, name="support_slapolicy_what_if"),
            *super().get_urls(),
        ]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        policy = self.get_object(request, unquote(object_id)) if object_id else None
        if object_id and policy is None:
            raise Http404
        data = request.POST if request.method == "POST" else None
        page = PolicyPage(policy, data, clock.now())
        effect: Effect | None = None
        if data is not None and page.is_valid():
            saved, effect = self._answer(request, page)
            if saved is not None:
                messages.success(request, f"{saved.name} is saved.")
                return HttpResponseRedirect(self.change_url(saved))
        return TemplateResponse(
            request,
            "admin/support/policy.html",
            self._context(request, object_id, policy, page, effect),
        )

    def _answer(
        self, request: HttpRequest, page: PolicyPage
    ) -> tuple[SlaPolicy | None, Effect | None]:
        """What was saved, or what saving would do: a save that moves running promises asks."""
        actor = audit.person(request.user)
        try:
            if "_sure" in request.POST and request.POST.get("previewed") == page.digest():
                return page.save(actor=actor), None
            effect = page.effect(actor=actor)
            if effect.touches or {"_preview", "_sure"} & set(request.POST):
                return None, effect
            return page.save(actor=actor), None
        except REFUSALS as error:
            page.refuse(error)
            return None, None

    def _context(
        self,
        request: HttpRequest,
        object_id: str | None,
        policy: SlaPolicy | None,
        page: PolicyPage,
        effect: Effect | None,
    ) -> dict[str, Any]:
        fresh = SlaPolicy.objects.get(pk=policy.pk) if policy else None  # as stored
        return {
            **self.admin_site.each_context(request),
            "title": str(fresh) if fresh else "Add SLA policy",
            "opts": self.opts,
            "original": fresh,
            "page": page,
            "effect": effect,
            "priorities": Priority.values,
            "what_if": self._what_if_url(fresh) if fresh else "",
            "object_actions": self.offered_actions(request, object_id),
        }

    # -- what if

    def _what_if_url(self, policy: SlaPolicy) -> str:
        return reverse("admin:support_slapolicy_what_if", args=[policy.pk])

    def what_if_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The last 90 days judged by the grid as it is and as it was typed. Nothing is saved."""
        policy = self.get_object(request, unquote(object_id))
        if policy is None:
            raise Http404
        data = request.POST if request.method == "POST" else None
        page = PolicyPage(policy, data, clock.now())
        answer = None
        if data is None or page.is_valid():
            draft = page.draft()
            answer = what_if.replay(draft=draft, user=request.user, now=page.now)
        context = {
            **self.admin_site.each_context(request),
            "title": "What if",
            "subtitle": str(policy),
            "opts": self.opts,
            "original": policy,
            "page": page,
            "priorities": Priority.values,
            "answer": answer,
            "days": what_if.DAYS,
            "lines": [outcome_line(row) for row in answer.rows] if answer else [],
            "changed": [changed_line(row) for row in answer.changed] if answer else [],
            "change": self.change_url(policy),
        }
        return TemplateResponse(request, "admin/support/what_if.html", context)

    # -- the order

    def order_view(self, request: HttpRequest) -> HttpResponse:
        """Drag, or number: the first that takes a ticket counts."""
        rows = list(
            SlaPolicy.objects.filter(is_default=False)
            .select_related("calendar", "match_queue", "match_type", "match_account")
            .order_by("position", "pk")[:MOST_ORDERED]
        )
        error = ""
        if request.method == "POST":
            wanted = sorted(rows, key=lambda row: _place(request, row))
            try:
                policies.reorder(
                    order=[row.pk for row in wanted],
                    actor=audit.person(request.user),
                    now=clock.now(),
                )
                messages.success(request, "The order is saved. Promises were chosen again.")
                return HttpResponseRedirect(reverse("admin:support_slapolicy_changelist"))
            except REFUSALS as refused:
                error = getattr(refused, "message", str(refused))
        context = {
            **self.admin_site.each_context(request),
            "title": "Order of policies",
            "opts": self.opts,
            "rows": [(row, told(row)) for row in rows],
            "errors": [error] if error else [],
            "default": SlaPolicy.objects.filter(is_default=True).first(),
            "back": reverse("admin:support_slapolicy_changelist"),
        }
        return TemplateResponse(request, "admin/support/policy_order.html", context)

    # -- buttons

    @act(
        "Take out of use",
        about="Its tickets get the next policy that takes them, and are timed anew.",
        danger=True,
        offered=lambda policy: policy.is_active and not policy.is_default,
    )
    def take_out(self, request: HttpRequest, obj: SlaPolicy, values: dict[str, Any]) -> str:
        self._set_active(request, obj, False)
        return f"{obj.name} is out of use."

    @act(
        "Use again",
        about="Tickets that it takes get its promises, and are timed anew.",
        offered=lambda policy: not policy.is_active,
    )
    def use_again(self, request: HttpRequest, obj: SlaPolicy, values: dict[str, Any]) -> str:
        self._set_active(request, obj, True)
        return f"{obj.name} is in use again."

    def _set_active(self, request: HttpRequest, obj: SlaPolicy, is_active: bool) -> None:
        actor = audit.person(request.user)
        policies.set_active(policy=obj, is_active=is_active, actor=actor, now=clock.now())


def told(policy: SlaPolicy) -> str:
    """Which tickets a policy takes, in a line."""
    if policy.is_default:
        return "everything that no other policy takes"
    parts = [
        f"queue {policy.match_queue}" if policy.match_queue else "",
        f"type {policy.match_type}" if policy.match_type else "",
        f"tier {policy.get_match_tier_display().lower()}" if policy.match_tier else "",
        f"customer {policy.match_account}" if policy.match_account else "",
        f"tag {policy.match_tag}" if policy.match_tag else "",
    ]
    return ", ".join(part for part in parts if part) or "every ticket"


def _place(request: HttpRequest, row: SlaPolicy) -> tuple[int, int, int]:
    text = request.POST.get(f"policy-{row.pk}-position", "").strip()
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 100_000
    return number, row.position, row.pk

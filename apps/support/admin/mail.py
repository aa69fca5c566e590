"""Mailboxes that are read, and every mail that came in, as it came."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from apps.core import clock
from apps.core.admin_base import ReadOnly, act, action, display, local_time, register, when
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import Archived, Filter, chip, edit_link, link, shown_once
from apps.intake.models import Integration
from apps.notifications import services as notifications
from apps.support.admin.base import SetupAdmin, actor_of
from apps.support.models import InboundMail, Mailbox
from apps.support.services import mailboxes, mailing, setup

Status = InboundMail.Status
AGAIN = frozenset({Status.FAILED, Status.IGNORED})
TONES = {Status.FAILED: "danger", Status.RECEIVED: "info", Status.POSTED: "success"}


class MailboxForm(Form):
    password = forms.CharField(
        required=False, max_length=200, strip=False,
        help_text="Empty: the one that is there stays. It is kept sealed and never shown.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip

    class Meta:
        model = Mailbox
        fields = [
            "name", "address", "queue", "request_type", "is_active", "takes_lists", "imap_host",
            "imap_port", "imap_security", "imap_user", "folder",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["imap_host"].help_text = "Empty: mail comes by the hook, or not at all."
        self.fields["is_active"].label = "Read"

    def clean_imap_port(self) -> int:
        port: int = self.cleaned_data["imap_port"]
        if not 1 <= port <= 65_535:
            raise forms.ValidationError("A port is from 1 to 65535.")
        return port

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("imap_host") and not found.get("imap_user") and "imap_user" not in self.errors:
            self.add_error("imap_user", "Say as whom to sign in.")
        return found


@register(Mailbox)
class MailboxAdmin(SetupAdmin):
    form = MailboxForm
    noun, save = "mailbox", setup.save_mailbox
    intro = (
        "Addresses that customers write to. One is read over IMAP every minute, or a mail server "
        "posts to its hook."
    )
    empty_text = "No mailbox yet: mail opens no ticket."
    list_display = ["address", "name", "queue", "request_type", "how", "state"]
    list_filter = [Archived, "queue", "is_active"]
    list_select_related = ["queue", "request_type"]
    search_fields = ["address", "name", "imap_host"]
    fieldsets = [
        (None, {
            "fields": ["name", "address", "queue", "request_type", "is_active", "takes_lists"],
        }),
        ("Read over IMAP", {
            "fields": ["imap_host", "imap_port", "imap_security", "imap_user", "password",
                       "folder"],
        }),
        ("How it stands", {"fields": ["standing", "hook"]}),
    ]  # fmt: skip
    readonly_fields = ["standing", "hook"]

    def more(self, form: Any) -> dict[str, Any]:
        return {"password": form.cleaned_data.get("password", "")}

    @display(description="how")
    def how(self, obj: Mailbox) -> str:
        ways = ["IMAP" if obj.imap_host else "", "hook" if obj.hook_integration_id else ""]
        return ", ".join(way for way in ways if way) or "not at all"

    @display(description="state")
    def state(self, obj: Mailbox) -> object:
        if not obj.is_active:
            return chip("Not read")
        if obj.failing_since:
            return chip("Failing", "danger")
        return chip("Read", "success") if obj.fetched_at or obj.hook_integration_id else chip("New")

    @display(description="last read")
    def standing(self, obj: Mailbox) -> str:
        if obj._state.adding:
            return "–"
        read = f"Read {local_time(obj.fetched_at)}." if obj.fetched_at else "Never read yet."
        if obj.failing_since is None:
            return read
        return f"{read} Failing since {local_time(obj.failing_since)}: {obj.last_error}"

    @display(description="hook")
    def hook(self, obj: Mailbox) -> object:
        row = Integration.objects.filter(pk=obj.hook_integration_id or 0).first()
        if row is None:
            return "None. “Make a hook address” makes one."
        return edit_link(row)

    @act(
        "Test the connection",
        about="Signs in and looks into the folder. No mail is taken.",
        offered=lambda box: bool(box.imap_host) and box.archived_at is None,
    )
    def test(self, request: HttpRequest, obj: Mailbox, values: dict[str, Any]) -> str:
        return mailboxes.check(mailbox=obj)

    @act(
        "Fetch now",
        about="Takes the new mails at once instead of within the minute.",
        offered=lambda box: bool(box.imap_host) and box.is_active and box.archived_at is None,
    )
    def fetch(self, request: HttpRequest, obj: Mailbox, values: dict[str, Any]) -> str:
        taken = mailboxes.fetch(mailbox=obj, now=clock.now())
        obj.refresh_from_db()
        if obj.failing_since:
            return f"Nothing was taken: {obj.last_error}"
        return "1 mail was taken." if taken == 1 else f"{taken} mails were taken."

    @act(
        "Make a hook address",
        about="An address to which a mail server posts raw mail of this mailbox. "
        "One that was made before ends.",
        offered=lambda box: box.archived_at is None,
    )
    def make_hook(self, request: HttpRequest, obj: Mailbox, values: dict[str, Any]) -> HttpResponse:
        made = setup.make_hook(mailbox=obj, actor=actor_of(request), now=clock.now())
        address = notifications.absolute(made.path)
        return shown_once(
            self, request, obj, title="Hook address", secrets=[("Address", address)],
            usage=f"curl --data-binary @mail.eml -H 'Content-Type: message/rfc822' {address}",
        )  # fmt: skip


# -- mails


class StatusFilter(Filter):
    title = "what became of it"
    parameter_name = "status"
    choices_offered = [
        (str(status), str(status.label))
        for status in (Status.FAILED, Status.IGNORED, Status.POSTED, Status.NOTED, Status.RECEIVED)
    ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() else queryset


@register(InboundMail)
class InboundMailAdmin(ReadOnly[InboundMail]):
    intro = (
        "Every mail as it came. One that failed is tried again by itself a few times; one that "
        "was ignored can be taken by hand."
    )
    empty_text = "No mail came in yet."
    list_display = [
        when("taken_at", "came"), "title", "sender", "state", "reason", "mailbox", "on_ticket",
    ]  # fmt: skip
    list_display_links = ["title"]
    list_filter = [StatusFilter, "mailbox"]
    list_select_related = ["mailbox", "ticket"]
    search_fields = ["sender", "subject", "=mail_id"]
    ordering = ["-taken_at", "-pk"]
    actions = ["take_chosen"]
    fields = [
        "subject", "sender", "state", "reason", when("received_at", "received"),
        when("taken_at", "came"), "mailbox", "on_ticket", "mail_id", "size", "attempts", "raw_mail",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundMail]:
        rows: QuerySet[InboundMail] = super().get_queryset(request)
        return rows.defer("raw")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.raw_view)
        own = path("<path:object_id>/raw/", view, name=self.url_name("raw"))
        return [own, *super().get_urls()]

    @display(description="subject", ordering="subject")
    def title(self, obj: InboundMail) -> str:
        return obj.subject or "(no subject)"

    @display(description="state", ordering="status")
    def state(self, obj: InboundMail) -> object:
        return chip(obj.get_status_display(), TONES.get(Status(obj.status), ""))

    @display(description="ticket")
    def on_ticket(self, obj: InboundMail) -> object:
        return link(f"/tickets/{obj.ticket.ref}/", obj.ticket.ref) if obj.ticket else "–"

    @display(description="as it came")
    def raw_mail(self, obj: InboundMail) -> object:
        url = reverse(f"admin:{self.url_name('raw')}", args=[obj.pk])
        return format_html('<a class="ops-link" href="{}" download>Download the mail</a>', url)

    def raw_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The bytes, as a download: a mail may hold anything and is never opened here."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None or obj.raw is None:
            raise Http404("This mail is gone: raw mails are kept for a while only.")
        return HttpResponse(
            bytes(obj.raw),
            content_type="application/octet-stream",
            headers={
                "Content-Disposition": f'attachment; filename="mail-{obj.pk}.eml"',
                "X-Content-Type-Options": "nosniff",
            },
        )

    @action(description="Take again")
    def take_chosen(self, request: HttpRequest, queryset: QuerySet[InboundMail]) -> None:
        now, done = clock.now(), 0
        for row in queryset.filter(status__in=AGAIN).order_by("pk")[:100]:
            placed = mailing.place(mail=row, now=now, by_hand=True)
            done += placed.status not in AGAIN
        noun = "1 mail is" if done == 1 else f"{done} mails are"
        self.message_user(request, f"{noun} on a ticket now.")

    @act(
        "Take again",
        about="Puts this mail on its ticket, or opens one, although it failed or was ignored.",
        offered=lambda mail: mail.status in AGAIN,
    )
    def take_again(self, request: HttpRequest, obj: InboundMail, values: dict[str, Any]) -> str:
        placed = mailing.place(mail=obj, now=clock.now(), by_hand=True)
        if placed.ticket is None:
            return f"It still cannot be placed: {placed.reason or 'the raw mail is gone'}"
        return f"It is on {placed.ticket.ref} now."

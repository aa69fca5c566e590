"""Forms of customers and contacts. They check shapes; the services say what may be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError

from apps.accounts.models import Person
from apps.core.errors import Conflict, Invalid
from apps.customers.models import Account, Contact, Org
from apps.portal.forms_setup import zone_field
from apps.portal.importing import MAX_BYTES

T = TypeVar("T")
Refusal = Invalid | Conflict | ValidationError


def submit(form: forms.Form, act: Callable[[dict[str, Any]], T]) -> T | None:
    """Run `act` with the form's values; None when form or service find something wrong in them.

    As `forms.submit`, for services that also refuse by a model's own check or because the value
    is taken: all of it stands beside its field.
    """
    if not form.is_valid():
        return None
    try:
        return act(form.cleaned_data)
    except (Invalid, Conflict, ValidationError) as error:
        _place(form, error)
        return None


def _place(form: forms.Form, error: Refusal) -> None:
    if isinstance(error, ValidationError):
        named: dict[str, Any] = dict(getattr(error, "error_dict", {}))
        whole: Any = error
    else:
        named, whole = dict(error.fields), error.message
    known = {name: texts for name, texts in named.items() if name in form.fields}
    for name, texts in known.items():
        form.add_error(name, texts)
    if not known:
        form.add_error(None, whole)


class AccountForm(forms.Form):
    name = forms.CharField(label="Name", max_length=120)
    key = forms.SlugField(
        label="Key",
        max_length=60,
        required=False,
        help_text="How tools and addresses name it. Empty: made from the name. It stays.",
    )
    tier = forms.ChoiceField(
        label="Tier", choices=Account.Tier.choices, initial=Account.Tier.STANDARD
    )
    owner = forms.ModelChoiceField(
        Person.objects.none(),
        label="Owner",
        required=False,
        empty_label="Nobody",
        help_text="Who of us looks after this customer.",
    )
    domain = forms.CharField(
        label="Mail domain",
        max_length=120,
        required=False,
        help_text="Who writes from it belongs here, such as bramble.example.",
    )
    note = forms.CharField(
        label="Note",
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, account: Account | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = Person.objects.active()
        if account is not None:
            del self.fields["key"]
            people = people | Person.objects.get_queryset().filter(customer_accounts=account)
        self.fields["owner"].queryset = people.order_by("name", "pk").distinct()  # type: ignore[attr-defined] # a model choice


class ContactForm(forms.Form):
    email = forms.CharField(label="E-mail", max_length=320)
    name = forms.CharField(label="Name", max_length=120, required=False)
    account = forms.CharField(
        label="Customer",
        max_length=60,
        required=False,
        help_text="The customer's key. Empty: whose mail domain it is.",
        widget=forms.TextInput(
            attrs={"list": "customer-keys", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    org = forms.ModelChoiceField(
        Org.objects.none(), label="Org", required=False, empty_label="None"
    )
    phone = forms.CharField(label="Phone", max_length=40, required=False)
    time_zone = zone_field()
    note = forms.CharField(
        label="Note",
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(
        self,
        *args: Any,
        viewer: Person,
        account: Account | None = None,
        contact: Contact | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer
        offered = Org.objects.visible_to(viewer).current().filter(account=account)
        if account is None or not offered.exists():
            del self.fields["org"]
        else:
            kept = Org.objects.filter(contacts=contact) if contact else Org.objects.none()
            self.fields["org"].queryset = (offered | kept).order_by("name", "pk").distinct()  # type: ignore[attr-defined] # a model choice

    def clean_account(self) -> Account | None:
        key = self.cleaned_data["account"].strip().lower()
        if not key:
            return None
        rows = Account.objects.visible_to(self.viewer).current()
        found: Account | None = rows.filter(key=key).first()
        if found is None:
            raise ValidationError(f"There is no customer {key}. Choose one from the list.")
        return found


def given(form: forms.Form, values: dict[str, Any]) -> dict[str, Any]:
    """The values as a service takes them. A contact for whom no customer is named keeps the one
    that the mail domain finds: the empty field says nothing."""
    fields = dict(values)
    if (
        isinstance(form, ContactForm)
        and not fields.get("account")
        and not form.initial.get("account")
    ):
        fields.pop("account", None)
    return fields


class ImportForm(forms.Form):
    """A table, pasted or as a file. `seen` is the digest of the plan that somebody looked at."""

    table = forms.CharField(
        label="Customers, connections, contacts",
        strip=False,
        required=False,
        widget=forms.Textarea(
            attrs={"rows": 12, "class": "mono", "spellcheck": "false", "wrap": "off"}
        ),
    )
    file = forms.FileField(
        label="Or a file",
        required=False,
        help_text="CSV in UTF-8, at most 1 MiB. It takes the place of what is pasted.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
    )
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        upload = values.get("file")
        if upload is not None:
            values["table"] = self._read(upload)
        if not values.get("table", "").strip() and not self.errors:
            self.add_error("table", "Paste a table, or choose a file.")
        return values

    def _read(self, upload: Any) -> str:
        raw = upload.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            self.add_error("file", "This is more than 1 MiB. Import it in parts.")
            return ""
        try:
            return str(raw.decode("utf-8-sig"))
        except UnicodeDecodeError:
            self.add_error(
                "file", "This is not text in UTF-8. Save it as “CSV UTF-8” and try again."
            )
            return ""

"""Tags for forms and everything that acts: fields, errors, buttons, refusals, confirmations."""

from __future__ import annotations

import itertools
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.template import Context, Library
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.portal.templatetags._status import EMPTY, icon

register = Library()
_serial = itertools.count(1)  # ids that no two fragments of a page share
_AS_GROUP = (forms.RadioSelect, forms.CheckboxSelectMultiple)


@register.inclusion_tag("portal/components/field.html")
def field(
    bound: BoundField,
    label: str = "",
    help: str | bool = True,
    optional: bool = True,
    **attrs: Any,
) -> dict[str, Any]:
    """One field: label above, help under, the error beside, aria wired.

    `help` is the field's own unless given; False leaves it out. `optional=False` hides the word.
    Further keywords become attributes of the control: `{% field form.note rows=3 draft="note" %}`
    (`draft` keeps the typed text over a reload; underscores become dashes).
    """
    if help is not True:
        bound.help_text = help or ""  # so that Django, too, refers to what is really there
    help_text = bound.help_text
    group = isinstance(bound.field.widget, _AS_GROUP)
    single_check = isinstance(bound.field.widget, forms.CheckboxInput)
    own = _control_attrs(bound, attrs, described=bool(help_text), group=group)
    return {
        "bound": bound,
        "control": bound.as_widget(attrs=own),
        "label": label or bound.label,
        "help": help_text,
        "errors": _sentences(bound),
        "group": group,
        "check": single_check,
        "optional": optional and not bound.field.required and not single_check,
        "described_by": _described_by(bound, described=bool(help_text)),
    }


def _control_attrs(
    bound: BoundField, attrs: dict[str, Any], *, described: bool, group: bool
) -> dict[str, Any]:
    own = {name.replace("_", "-"): value for name, value in attrs.items()}
    if draft := own.pop("draft", None):
        own["data-draft"] = draft
    if not group and (ids := _described_by(bound, described=described)):
        own["aria-describedby"] = ids
    return own


def _described_by(bound: BoundField, *, described: bool) -> str:
    ids = [f"{bound.auto_id}_helptext"] if described else []
    return " ".join([*ids, f"{bound.auto_id}_error"] if bound.errors else ids)


@register.inclusion_tag("portal/components/form_errors.html")
def form_errors(form: forms.BaseForm, focus: bool = True) -> dict[str, Any]:
    """The summary above a form, each line a link to its field; nothing when all is well.

    It takes the focus when the page opens, so that a screen reader begins with it.
    """
    rows = [("", str(error)) for error in form.non_field_errors()]
    for bound in form:
        anchor = "" if bound.is_hidden else _first_id(bound)
        rows += [(anchor, f"{bound.label}: {sentence}") for sentence in _sentences(bound)]
    return {"rows": rows, "focus": focus}


def _sentences(bound: BoundField) -> list[str]:
    """The field's errors; the framework's "This field is required." in our own words."""
    return [
        "This is missing." if error.code == "required" else " ".join(error.messages)
        for error in bound.errors.as_data()
    ]


def _first_id(bound: BoundField) -> str:
    return f"{bound.auto_id}_0" if isinstance(bound.field.widget, _AS_GROUP) else bound.auto_id


@register.simple_tag
def refused(label: str, reason: str, small: bool = False) -> SafeString:
    """An action that is not allowed now: visible, dashed, focusable, with its reason beside it."""
    ident = f"why-{next(_serial)}"
    return format_html(
        '<span class="refused"><span class="btn{}" role="button" tabindex="0" aria-disabled="true"'
        ' aria-describedby="{}">{}</span> <span class="why" id="{}">{}</span></span>',
        " btn--s" if small else "", ident, label, ident, reason,
    )  # fmt: skip


@register.simple_tag(takes_context=True)
def post(
    context: Context, action: str, label: str, tone: str = "", key: str = "", glyph: str = "",
    target: str = "", small: bool = False, **values: Any,
) -> SafeString:  # fmt: skip
    """A form of one button. `tone`: primary, danger, quiet; `key`: its shortcut; `glyph`: an icon.

    `target` (a CSS selector) swaps that element through htmx; without scripts it posts plainly.
    Further keywords are sent as hidden values.
    """
    hidden = [
        format_html('<input type="hidden" name="{}" value="{}">', name, value)
        for name, value in values.items()
    ]
    return format_html(
        '<form class="inline" method="post" action="{}"{}>{}{}{}</form>',
        action, _htmx(action, target), _csrf(context), mark_safe("".join(hidden)),  # noqa: S308 - built by format_html
        _button(label, tone, key, glyph, small=small),
    )  # fmt: skip


def _htmx(action: str, target: str) -> SafeString:
    if not target:
        return EMPTY
    return format_html(' hx-post="{}" hx-target="{}" hx-swap="outerHTML"', action, target)


def _csrf(context: Context) -> SafeString:
    token = context.get("csrf_token")
    if not token or str(token) == "NOTPROVIDED":
        return EMPTY
    return format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', token)


@register.simple_tag
def button(
    label: str, tone: str = "", key: str = "", glyph: str = "", small: bool = False
) -> SafeString:
    """The submit button of a form."""
    return _button(label, tone, key, glyph, small=small)


def _button(label: str, tone: str, key: str, glyph: str, *, small: bool) -> SafeString:
    return format_html(
        '<button class="{}"{}>{}{}{}</button>',
        _classes(tone, small=small), _key(key), icon(glyph) if glyph else EMPTY, label, _kbd(key),
    )  # fmt: skip


@register.simple_tag
def link_button(
    url: str, label: str, tone: str = "", key: str = "", glyph: str = "", small: bool = False
) -> SafeString:
    """A link that looks like a button."""
    return format_html(
        '<a class="{}" href="{}"{}>{}{}{}</a>',
        _classes(tone, small=small), url, _key(key), icon(glyph) if glyph else EMPTY, label,
        _kbd(key),
    )  # fmt: skip


def _classes(tone: str, *, small: bool) -> str:
    return " ".join(["btn", *([f"btn--{tone}"] if tone else []), *(["btn--s"] if small else [])])


def _key(key: str) -> SafeString:
    return format_html(' data-key="{}" aria-keyshortcuts="{}"', key, key) if key else EMPTY


def _kbd(key: str) -> SafeString:
    return format_html(' <kbd class="kbd" aria-hidden="true">{}</kbd>', key) if key else EMPTY


@register.simple_block_tag(takes_context=True)
def confirm(
    context: Context, content: str, label: str, action: str, submit: str, tone: str = "danger",
    small: bool = False, **values: Any,
) -> SafeString:  # fmt: skip
    """A button that opens in place and says what it will do before doing it; no script needed.

    `tone` danger or quiet: it takes something away; primary: it does not.
    `{% confirm "Remove" url "Remove 214 rows" %}What goes, what stays.{% endconfirm %}`
    """
    hidden = [
        format_html('<input type="hidden" name="{}" value="{}">', name, value)
        for name, value in values.items()
    ]
    return format_html(
        '<details class="confirm"><summary class="{}">{}</summary><div class="confirm-body">{}'
        '<form method="post" action="{}">{}{}{}</form></div></details>',
        _classes(tone, small=small), label, content, action, _csrf(context),
        mark_safe("".join(hidden)),  # noqa: S308 - built by format_html
        _button(submit, "primary" if tone == "primary" else "danger-solid", "", "", small=small),
    )  # fmt: skip

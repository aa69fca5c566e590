"""`{% load ui %}`: the portal's components. Pure rendering: no queries, no models.

Times (viewer's zone and clock from request.user; `now` from the context, else core.clock)
  {% ago at %} {% when at %} {% until at %} {% at at %} {% elapsed at %} {% clock at %}
  {% full_time at %} {% span start end %} {% day at %} {% zone_name %} {{ td|duration }}
  zone="Europe/Berlin" on when, until, at, span, zone_name: a schedule's own; None reads "never"
States
  {% severity "SEV2" %} {% alert_severity "critical" %} {% urgency "low" %} {% incident_status s %}
  {% alert_status s %} {% page_status s %} {% message_status s %} {% delivery_status s %}
  {% due at done_at=None warn_minutes=60 paused=False label="" %} {% freshness "late" age %}
  {% verified bool %}
  {% chip text tone glyph value %} {% state text tone glyph %} {% icon "bell" %} {% glyph "tri" %}
People
  {% who person url="" size="" none="Nobody" %} {% avatar person size="l" %}
Forms and actions
  {% form_errors form %} {% field form.x label help optional=True draft="key" rows=3 %}
  {% button "Save" tone="primary" %} {% link_button url "Edit" %} {% refused "Resolve" "why" %}
  {% post url "Acknowledge" tone="primary" key="a" target="#page" name=value %}
  {% confirm "Remove" url "Remove 214 rows" %}what it will do{% endconfirm %}
Page pieces
  {% crumbs "Incidents" url "INC-42" %} {% figures items %} {% views items %} {% filters items %}
  {% pager previous next "1 to 25 of 41" %} {% empty title text url label %} {% stepper items %}
  {% setup_steps items %} {% meter 81 "81 % spent" "danger" %}
  {% callout "warning" %}text{% endcallout %}
  {% entry at glyph tone kind offset %}text{% endentry %} {% timeline rows start end name %}
Includes in portal/components/, each says its context on top: messages, ack, mail,
  contact_method, dryrun
"""

from __future__ import annotations

from django.template import Library

from apps.portal.templatetags import _forms, _layout, _status, _times

register = Library()
for part in (_times, _status, _forms, _layout):
    register.tags.update(part.register.tags)
    register.filters.update(part.register.filters)

"""Incidents from before get the severity that they had, from beginning to end, and their
commander's place among the roles."""

from __future__ import annotations

from django.db import migrations

SPANS = """
INSERT INTO incidents_severityspan (incident_id, severity, from_at, to_at, reason, by_label)
SELECT id, severity, detected_at,
  CASE WHEN status IN ('resolved', 'in_review', 'closed', 'declined', 'merged')
    THEN GREATEST(detected_at, COALESCE(resolved_at, closed_at, detected_at)) END,
  'as known when severities began to be kept', ''
FROM incidents_incident i
WHERE NOT EXISTS (SELECT 1 FROM incidents_severityspan s WHERE s.incident_id = i.id)
"""
ROLES = """
INSERT INTO incidents_roleassignment (incident_id, role, person_id, from_at, handover_note, why)
SELECT id, 'commander', commander_id, COALESCE(declared_at, detected_at), '', ''
FROM incidents_incident i
WHERE commander_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM incidents_roleassignment r WHERE r.incident_id = i.id)
"""


class Migration(migrations.Migration):
    dependencies = [("incidents", "0003_framework_and_comms")]

    operations = [
        migrations.RunSQL(SPANS, migrations.RunSQL.noop),
        migrations.RunSQL(ROLES, migrations.RunSQL.noop),
    ]

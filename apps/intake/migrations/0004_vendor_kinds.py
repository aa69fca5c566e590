import apps.core.migrations._together
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '__first__'),
        ('intake', '0003_mail_hook'),
    ]

    operations = [
        apps.core.migrations._together.Together(
            operations=[
                pgtrigger.migrations.RemoveTrigger(
                    model_name='integration',
                    name='insert_insert',
                ),
                pgtrigger.migrations.RemoveTrigger(
                    model_name='integration',
                    name='update_update',
                ),
                migrations.AddField(
                    model_name='integration',
                    name='config_sealed',
                    field=models.TextField(blank=True, db_default='', default='', editable=False),
                ),
                migrations.AddField(
                    model_name='integration',
                    name='owner',
                    field=models.ForeignKey(blank=True, help_text='Told when a delivery of it cannot be read.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='integrations', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='integration',
                    name='told_at',
                    field=models.DateTimeField(editable=False, null=True),
                ),
                migrations.AddField(
                    model_name='integrationevent',
                    name='owner',
                    field=models.ForeignKey(blank=True, db_constraint=False, help_text='Told when a delivery of it cannot be read.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='integration',
                    name='kind',
                    field=models.CharField(choices=[('native', 'Native events API'), ('pagerduty', 'PagerDuty Events API v2'), ('alertmanager', 'Prometheus Alertmanager'), ('gcp', 'Google Cloud Monitoring'), ('github', 'GitHub'), ('mail', 'Mail (raw)'), ('grafana', 'Grafana'), ('stripe', 'Stripe'), ('fivetran', 'Fivetran'), ('sentry', 'Sentry'), ('opsgenie', 'Opsgenie-compatible'), ('heartbeat', 'Heartbeats'), ('slack', 'Slack'), ('internal', 'OpsPortal itself')], max_length=12),
                ),
                migrations.AlterField(
                    model_name='integrationevent',
                    name='kind',
                    field=models.CharField(choices=[('native', 'Native events API'), ('pagerduty', 'PagerDuty Events API v2'), ('alertmanager', 'Prometheus Alertmanager'), ('gcp', 'Google Cloud Monitoring'), ('github', 'GitHub'), ('mail', 'Mail (raw)'), ('grafana', 'Grafana'), ('stripe', 'Stripe'), ('fivetran', 'Fivetran'), ('sentry', 'Sentry'), ('opsgenie', 'Opsgenie-compatible'), ('heartbeat', 'Heartbeats'), ('slack', 'Slack'), ('internal', 'OpsPortal itself')], max_length=12),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='integration',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "intake_integrationevent" ("api_key_id", "archived_at", "created_at", "id", "kind", "name", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "surface_id", "team_id", "token_hint") VALUES (NEW."api_key_id", NEW."archived_at", NEW."created_at", NEW."id", NEW."kind", NEW."name", NEW."owner_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."rate", NEW."surface_id", NEW."team_id", NEW."token_hint"); RETURN NULL;', hash='ce12e492a8ee3eac478ea180cc58430a98777c4e', operation='INSERT', pgid='pgtrigger_insert_insert_b6f7b', table='intake_integration', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='integration',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."api_key_id" IS DISTINCT FROM (NEW."api_key_id") OR OLD."archived_at" IS DISTINCT FROM (NEW."archived_at") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."owner_id" IS DISTINCT FROM (NEW."owner_id") OR OLD."rate" IS DISTINCT FROM (NEW."rate") OR OLD."surface_id" IS DISTINCT FROM (NEW."surface_id") OR OLD."team_id" IS DISTINCT FROM (NEW."team_id") OR OLD."token_hint" IS DISTINCT FROM (NEW."token_hint"))', func='INSERT INTO "intake_integrationevent" ("api_key_id", "archived_at", "created_at", "id", "kind", "name", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "surface_id", "team_id", "token_hint") VALUES (NEW."api_key_id", NEW."archived_at", NEW."created_at", NEW."id", NEW."kind", NEW."name", NEW."owner_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."rate", NEW."surface_id", NEW."team_id", NEW."token_hint"); RETURN NULL;', hash='7f45965d103b9aaba4a8d8300cf969e93a889f72', operation='UPDATE', pgid='pgtrigger_update_update_c22ff', table='intake_integration', when='AFTER')),
                ),
            ],
        ),
    ]

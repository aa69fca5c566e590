import apps.core.migrations._together
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '__first__'),
        ('alerts', '0004_guards'),
        ('ownership', '0001_initial'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        apps.core.migrations._together.Together(
            operations=[
                migrations.CreateModel(
                    name='MaintenanceWindow',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('title', models.CharField(max_length=160)),
                        ('description', models.TextField(blank=True, help_text='Markdown. Customers read it.')),
                        ('starts_at', models.DateTimeField(verbose_name='from')),
                        ('ends_at', models.DateTimeField(verbose_name='until')),
                        ('is_public', models.BooleanField(default=True, help_text='Shown on the status page.')),
                        ('status', models.CharField(choices=[('scheduled', 'Scheduled'), ('in_progress', 'In progress'), ('completed', 'Completed'), ('canceled', 'Canceled')], default='scheduled', max_length=11)),
                        ('started_at', models.DateTimeField(editable=False, null=True)),
                        ('ended_at', models.DateTimeField(editable=False, null=True)),
                        ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('surfaces', models.ManyToManyField(related_name='maintenance', to='ownership.surface')),
                    ],
                    options={
                        'indexes': [models.Index(fields=['status', 'starts_at'], name='alerts_maintenance_due')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='alerts_maintenance_order', violation_error_message='The end must come after the start.')],
                    },
                ),
                migrations.CreateModel(
                    name='MaintenanceWindowEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('title', models.CharField(max_length=160)),
                        ('description', models.TextField(blank=True, help_text='Markdown. Customers read it.')),
                        ('starts_at', models.DateTimeField(verbose_name='from')),
                        ('ends_at', models.DateTimeField(verbose_name='until')),
                        ('is_public', models.BooleanField(default=True, help_text='Shown on the status page.')),
                        ('status', models.CharField(choices=[('scheduled', 'Scheduled'), ('in_progress', 'In progress'), ('completed', 'Completed'), ('canceled', 'Canceled')], default='scheduled', max_length=11)),
                        ('started_at', models.DateTimeField(editable=False, null=True)),
                        ('ended_at', models.DateTimeField(editable=False, null=True)),
                        ('created_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='alerts.maintenancewindow')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='maintenancewindow',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "alerts_maintenancewindowevent" ("created_by_id", "description", "ended_at", "ends_at", "id", "is_public", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "started_at", "starts_at", "status", "title") VALUES (NEW."created_by_id", NEW."description", NEW."ended_at", NEW."ends_at", NEW."id", NEW."is_public", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."started_at", NEW."starts_at", NEW."status", NEW."title"); RETURN NULL;', hash='a0dc0a4bd23c61eeec39f9a8152075713252bf7e', operation='INSERT', pgid='pgtrigger_insert_insert_6c597', table='alerts_maintenancewindow', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='maintenancewindow',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "alerts_maintenancewindowevent" ("created_by_id", "description", "ended_at", "ends_at", "id", "is_public", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "started_at", "starts_at", "status", "title") VALUES (NEW."created_by_id", NEW."description", NEW."ended_at", NEW."ends_at", NEW."id", NEW."is_public", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."started_at", NEW."starts_at", NEW."status", NEW."title"); RETURN NULL;', hash='db3a437d2c1eda966c159b8a025987832a1c6877', operation='UPDATE', pgid='pgtrigger_update_update_58d37', table='alerts_maintenancewindow', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='maintenancewindowevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='cf760dc9b481405b447cdfe7f535bb9dddc02db2', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_b194b', table='alerts_maintenancewindowevent', when='BEFORE')),
                ),
            ],
        ),
    ]

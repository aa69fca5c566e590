import apps.accounts.models
import apps.core.migrations._together
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '__first__'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        apps.core.migrations._together.Together(
            operations=[
                migrations.CreateModel(
                    name='BusinessCalendar',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.SlugField(max_length=40, unique=True)),
                        ('name', models.CharField(max_length=80)),
                        ('is_default', models.BooleanField(default=False, help_text='What names no calendar runs in this one.', verbose_name='used by default')),
                        ('created_at', models.DateTimeField(editable=False)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                    ],
                    options={
                        'ordering': ['name'],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('is_default',), name='calendars_calendar_one_default')],
                    },
                ),
                migrations.CreateModel(
                    name='BusinessCalendarEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('key', models.SlugField(db_index=False, max_length=40)),
                        ('name', models.CharField(max_length=80)),
                        ('is_default', models.BooleanField(default=False, help_text='What names no calendar runs in this one.', verbose_name='used by default')),
                        ('created_at', models.DateTimeField(editable=False)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='calendars.businesscalendar')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='CalendarVersion',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('actor_kind', models.CharField(choices=[('person', 'Person'), ('key', 'API key'), ('contact', 'Contact'), ('system', 'System')], default='system', max_length=10)),
                        ('actor_ref', models.CharField(default='opsportal', max_length=100)),
                        ('actor_label', models.CharField(default='OpsPortal', max_length=200)),
                        ('number', models.PositiveIntegerField()),
                        ('time_zone', models.CharField(max_length=64, validators=[apps.accounts.models.check_zone])),
                        ('weekly', models.JSONField(default=dict)),
                        ('exceptions', models.JSONField(blank=True, default=dict)),
                        ('regions', models.JSONField(blank=True, default=list)),
                        ('tzdata', models.CharField(blank=True, max_length=20)),
                        ('note', models.CharField(blank=True, max_length=200)),
                        ('created_at', models.DateTimeField()),
                        ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('calendar', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='calendars.businesscalendar')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('calendar', 'number'), name='calendars_version_number_once')],
                    },
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='businesscalendar',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "calendars_businesscalendarevent" ("archived_at", "created_at", "id", "is_default", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."archived_at", NEW."created_at", NEW."id", NEW."is_default", NEW."key", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;', hash='476750f049b39aa156dd7192e52a043d19e896be', operation='INSERT', pgid='pgtrigger_insert_insert_96394', table='calendars_businesscalendar', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='businesscalendar',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "calendars_businesscalendarevent" ("archived_at", "created_at", "id", "is_default", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."archived_at", NEW."created_at", NEW."id", NEW."is_default", NEW."key", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;', hash='85cf8fcbadd690f9185f3e8c77164c55898fd076', operation='UPDATE', pgid='pgtrigger_update_update_0b0ed', table='calendars_businesscalendar', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='businesscalendarevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='ab764d55db36ac07127de0548a7d5856a9d19e39', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_33056', table='calendars_businesscalendarevent', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='calendarversion',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='82080da67ac11e282955e86c115104b924555aa8', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_32edf', table='calendars_calendarversion', when='BEFORE')),
                ),
            ],
        ),
    ]

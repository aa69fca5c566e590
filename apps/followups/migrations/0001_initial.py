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
        ('ownership', '0001_initial'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        apps.core.migrations._together.Together(
            operations=[
                migrations.CreateModel(
                    name='Factor',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.SlugField(max_length=60, unique=True)),
                        ('name', models.CharField(max_length=100)),
                        ('description', models.TextField(blank=True)),
                        ('position', models.PositiveSmallIntegerField(default=0)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                    ],
                    options={
                        'ordering': ['position', 'name'],
                    },
                ),
                migrations.CreateModel(
                    name='FactorEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('key', models.SlugField(db_index=False, max_length=60)),
                        ('name', models.CharField(max_length=100)),
                        ('description', models.TextField(blank=True)),
                        ('position', models.PositiveSmallIntegerField(default=0)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='followups.factor')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='FollowUp',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('title', models.CharField(max_length=200)),
                        ('details', models.TextField(blank=True)),
                        ('acceptance', models.TextField(help_text='How somebody else can see that it works.')),
                        ('aim', models.CharField(choices=[('prevent', 'Prevent: it cannot happen again'), ('detect', 'Detect: we notice before customers do'), ('mitigate', 'Mitigate: it hurts less'), ('process', 'Process: we work better'), ('docs', 'Docs: it is written down right'), ('comms', 'Communication: people are told better')], max_length=8)),
                        ('priority', models.CharField(choices=[('P0', 'P0, before anything else'), ('P1', 'P1, soon'), ('P2', 'P2, in turn')], default='P1', max_length=2)),
                        ('status', models.CharField(choices=[('open', 'Open'), ('in_progress', 'In progress'), ('done', 'Done, to be verified'), ('verified', 'Verified'), ('wont_do', "Won't be done")], default='open', max_length=11)),
                        ('kind', models.CharField(choices=[('real', 'Real'), ('drill', 'Drill'), ('test', 'Test'), ('backfilled', 'Backfilled')], default='real', max_length=10)),
                        ('due_on', models.DateField()),
                        ('source_kind', models.CharField(max_length=30)),
                        ('source_ref', models.CharField(blank=True, max_length=60)),
                        ('source_url', models.CharField(blank=True, max_length=300)),
                        ('source_label', models.CharField(blank=True, max_length=200)),
                        ('is_restricted', models.BooleanField(default=False, help_text='Only managers, its owner and those on its incident see it.')),
                        ('reopened_count', models.PositiveSmallIntegerField(default=0)),
                        ('did_not_hold', models.BooleanField(default=False)),
                        ('created_at', models.DateTimeField()),
                        ('started_at', models.DateTimeField(null=True)),
                        ('done_at', models.DateTimeField(null=True)),
                        ('verified_at', models.DateTimeField(null=True)),
                        ('ended_reason', models.TextField(blank=True)),
                        ('done_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('factor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='follow_ups', to='followups.factor')),
                        ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='follow_ups', to=settings.AUTH_USER_MODEL)),
                        ('surface', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='follow_ups', to='ownership.surface')),
                        ('verified_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['owner', 'status', 'due_on'], name='followups_followup_owner'), models.Index(fields=['source_kind', 'source_ref'], name='followups_followup_source'), models.Index(condition=models.Q(('status__in', ['open', 'in_progress'])), fields=['due_on'], name='followups_followup_due'), models.Index(fields=['surface', 'factor'], name='followups_followup_cause')],
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('title', ''), _negated=True), models.Q(('acceptance', ''), _negated=True)), name='followups_followup_says_what'), models.CheckConstraint(condition=models.Q(('verified_at', None), ('verified_at__gte', models.F('done_at')), _connector='OR'), name='followups_followup_order'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'verified'), _negated=True), ('verified_at__isnull', False), _connector='OR'), name='followups_followup_verified'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'wont_do'), _negated=True), models.Q(('ended_reason', ''), _negated=True), _connector='OR'), name='followups_followup_reason')],
                    },
                ),
                migrations.CreateModel(
                    name='FollowUpEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('title', models.CharField(max_length=200)),
                        ('details', models.TextField(blank=True)),
                        ('acceptance', models.TextField(help_text='How somebody else can see that it works.')),
                        ('aim', models.CharField(choices=[('prevent', 'Prevent: it cannot happen again'), ('detect', 'Detect: we notice before customers do'), ('mitigate', 'Mitigate: it hurts less'), ('process', 'Process: we work better'), ('docs', 'Docs: it is written down right'), ('comms', 'Communication: people are told better')], max_length=8)),
                        ('priority', models.CharField(choices=[('P0', 'P0, before anything else'), ('P1', 'P1, soon'), ('P2', 'P2, in turn')], default='P1', max_length=2)),
                        ('status', models.CharField(choices=[('open', 'Open'), ('in_progress', 'In progress'), ('done', 'Done, to be verified'), ('verified', 'Verified'), ('wont_do', "Won't be done")], default='open', max_length=11)),
                        ('kind', models.CharField(choices=[('real', 'Real'), ('drill', 'Drill'), ('test', 'Test'), ('backfilled', 'Backfilled')], default='real', max_length=10)),
                        ('due_on', models.DateField()),
                        ('source_kind', models.CharField(max_length=30)),
                        ('source_ref', models.CharField(blank=True, max_length=60)),
                        ('source_url', models.CharField(blank=True, max_length=300)),
                        ('source_label', models.CharField(blank=True, max_length=200)),
                        ('is_restricted', models.BooleanField(default=False, help_text='Only managers, its owner and those on its incident see it.')),
                        ('reopened_count', models.PositiveSmallIntegerField(default=0)),
                        ('did_not_hold', models.BooleanField(default=False)),
                        ('created_at', models.DateTimeField()),
                        ('started_at', models.DateTimeField(null=True)),
                        ('done_at', models.DateTimeField(null=True)),
                        ('verified_at', models.DateTimeField(null=True)),
                        ('ended_reason', models.TextField(blank=True)),
                        ('done_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('factor', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='followups.factor')),
                        ('owner', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='followups.followup')),
                        ('surface', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='ownership.surface')),
                        ('verified_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='FollowUpNote',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('actor_kind', models.CharField(choices=[('person', 'Person'), ('key', 'API key'), ('contact', 'Contact'), ('system', 'System')], default='system', max_length=10)),
                        ('actor_ref', models.CharField(default='opsportal', max_length=100)),
                        ('actor_label', models.CharField(default='OpsPortal', max_length=200)),
                        ('at', models.DateTimeField()),
                        ('what', models.CharField(max_length=30)),
                        ('text', models.TextField()),
                        ('is_markdown', models.BooleanField(default=False)),
                        ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('follow_up', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='followups.followup')),
                    ],
                    options={
                        'indexes': [models.Index(fields=['follow_up', 'at'], name='followups_note_order')],
                    },
                ),
                migrations.CreateModel(
                    name='Reminder',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('slot', models.CharField(max_length=40)),
                        ('at', models.DateTimeField()),
                        ('was_sent', models.BooleanField()),
                        ('follow_up', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reminders', to='followups.followup')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('follow_up', 'slot'), name='followups_reminder_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Evidence',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('actor_kind', models.CharField(choices=[('person', 'Person'), ('key', 'API key'), ('contact', 'Contact'), ('system', 'System')], default='system', max_length=10)),
                        ('actor_ref', models.CharField(default='opsportal', max_length=100)),
                        ('actor_label', models.CharField(default='OpsPortal', max_length=200)),
                        ('type', models.CharField(choices=[('regression', 'A test that failed before and passes now'), ('release', 'A release that carries it'), ('alert', 'An alert that fired when it should'), ('drill', 'A drill that it passed'), ('execution', 'A completed run of a runbook'), ('url', 'Something to open and read')], max_length=10)),
                        ('ref', models.CharField(blank=True, max_length=120)),
                        ('url', models.CharField(blank=True, max_length=500)),
                        ('label', models.CharField(blank=True, max_length=200)),
                        ('note', models.TextField(blank=True)),
                        ('at', models.DateTimeField()),
                        ('withdrawn_at', models.DateTimeField(null=True)),
                        ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('follow_up', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='evidence', to='followups.followup')),
                    ],
                    options={
                        'verbose_name_plural': 'evidence',
                        'constraints': [models.CheckConstraint(condition=models.Q(('ref', ''), ('url', ''), _negated=True), name='followups_evidence_of_something')],
                    },
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='factor',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "followups_factorevent" ("archived_at", "description", "id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position") VALUES (NEW."archived_at", NEW."description", NEW."id", NEW."key", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."position"); RETURN NULL;', hash='5a4e1c10e977e6ee58f6ae2dc4434f8a1a93b7d4', operation='INSERT', pgid='pgtrigger_insert_insert_44616', table='followups_factor', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='factor',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "followups_factorevent" ("archived_at", "description", "id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position") VALUES (NEW."archived_at", NEW."description", NEW."id", NEW."key", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."position"); RETURN NULL;', hash='b8610a65db87371acf5050bf0f4228a69a3cb687', operation='UPDATE', pgid='pgtrigger_update_update_e9b51', table='followups_factor', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='factorevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='5c0854e1888bf42c4be720b56118733ed927199f', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_3866f', table='followups_factorevent', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='followup',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "followups_followupevent" ("acceptance", "aim", "created_at", "details", "did_not_hold", "done_at", "done_by_id", "due_on", "ended_reason", "factor_id", "id", "is_restricted", "kind", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "priority", "reopened_count", "source_kind", "source_label", "source_ref", "source_url", "started_at", "status", "surface_id", "title", "verified_at", "verified_by_id") VALUES (NEW."acceptance", NEW."aim", NEW."created_at", NEW."details", NEW."did_not_hold", NEW."done_at", NEW."done_by_id", NEW."due_on", NEW."ended_reason", NEW."factor_id", NEW."id", NEW."is_restricted", NEW."kind", NEW."owner_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."priority", NEW."reopened_count", NEW."source_kind", NEW."source_label", NEW."source_ref", NEW."source_url", NEW."started_at", NEW."status", NEW."surface_id", NEW."title", NEW."verified_at", NEW."verified_by_id"); RETURN NULL;', hash='45f8f35fb4c214afb9d9c15116d59610548e04b4', operation='INSERT', pgid='pgtrigger_insert_insert_9fe79', table='followups_followup', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='followup',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "followups_followupevent" ("acceptance", "aim", "created_at", "details", "did_not_hold", "done_at", "done_by_id", "due_on", "ended_reason", "factor_id", "id", "is_restricted", "kind", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "priority", "reopened_count", "source_kind", "source_label", "source_ref", "source_url", "started_at", "status", "surface_id", "title", "verified_at", "verified_by_id") VALUES (NEW."acceptance", NEW."aim", NEW."created_at", NEW."details", NEW."did_not_hold", NEW."done_at", NEW."done_by_id", NEW."due_on", NEW."ended_reason", NEW."factor_id", NEW."id", NEW."is_restricted", NEW."kind", NEW."owner_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."priority", NEW."reopened_count", NEW."source_kind", NEW."source_label", NEW."source_ref", NEW."source_url", NEW."started_at", NEW."status", NEW."surface_id", NEW."title", NEW."verified_at", NEW."verified_by_id"); RETURN NULL;', hash='c90d3d068d6e5a8e3fe48e0deea616027ee71302', operation='UPDATE', pgid='pgtrigger_update_update_ba379', table='followups_followup', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='followupevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='f770973aabddaffc4d482b3f2bb670df97e7568a', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_6119d', table='followups_followupevent', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='followupnote',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='986e111407e72faa0fe24588bc006d3851493d0e', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_92975', table='followups_followupnote', when='BEFORE')),
                ),
            ],
        ),
    ]

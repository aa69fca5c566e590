import apps.core.migrations._together
import django.core.validators
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
                    name='Runbook',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.CharField(max_length=60, unique=True, validators=[django.core.validators.RegexValidator('^[a-z0-9]+(-[a-z0-9]+)*$', 'Use lower-case words joined by hyphens: rb-snowflake-timeouts.')])),
                        ('title', models.CharField(max_length=120)),
                        ('summary', models.TextField(blank=True, help_text='When to use it, in one or two sentences.')),
                        ('cadence_days', models.PositiveSmallIntegerField(default=90, help_text='Days after which it counts as stale unless used or reviewed.')),
                        ('created_at', models.DateTimeField()),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('backup', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='runbooks_backed', to=settings.AUTH_USER_MODEL)),
                        ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='runbooks', to=settings.AUTH_USER_MODEL)),
                        ('surfaces', models.ManyToManyField(blank=True, related_name='runbooks', to='ownership.surface')),
                    ],
                    options={
                        'ordering': ['key'],
                        'constraints': [models.CheckConstraint(condition=models.Q(('owner', None), ('backup', None), models.Q(('owner', models.F('backup')), _negated=True), _connector='OR'), name='runbooks_runbook_two_people', violation_error_message='Owner and backup are two people.'), models.CheckConstraint(condition=models.Q(('cadence_days__gte', 7), ('cadence_days__lte', 730)), name='runbooks_runbook_cadence', violation_error_message='Between 7 and 730 days.')],
                    },
                ),
                migrations.CreateModel(
                    name='Chase',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('slot', models.CharField(max_length=40)),
                        ('at', models.DateTimeField()),
                        ('runbook', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chases', to='runbooks.runbook')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('runbook', 'slot'), name='runbooks_chase_once')],
                    },
                ),
                migrations.CreateModel(
                    name='RunbookEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('key', models.CharField(max_length=60, validators=[django.core.validators.RegexValidator('^[a-z0-9]+(-[a-z0-9]+)*$', 'Use lower-case words joined by hyphens: rb-snowflake-timeouts.')])),
                        ('title', models.CharField(max_length=120)),
                        ('summary', models.TextField(blank=True, help_text='When to use it, in one or two sentences.')),
                        ('cadence_days', models.PositiveSmallIntegerField(default=90, help_text='Days after which it counts as stale unless used or reviewed.')),
                        ('created_at', models.DateTimeField()),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('backup', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('owner', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='runbooks.runbook')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='RunbookVersion',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('number', models.PositiveIntegerField()),
                        ('status', models.CharField(choices=[('draft', 'Draft'), ('in_review', 'In review'), ('approved', 'Approved'), ('superseded', 'Superseded'), ('retired', 'Retired')], default='draft', max_length=10)),
                        ('change_note', models.CharField(blank=True, max_length=300)),
                        ('digest', models.CharField(blank=True, max_length=64)),
                        ('created_at', models.DateTimeField()),
                        ('approved_at', models.DateTimeField(null=True)),
                        ('suspect_at', models.DateTimeField(null=True)),
                        ('suspect_note', models.TextField(blank=True)),
                        ('approved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('author', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='runbook_versions', to=settings.AUTH_USER_MODEL)),
                        ('runbook', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='runbooks.runbook')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('runbook', 'number'), name='runbooks_version_number'), models.UniqueConstraint(condition=models.Q(('status', 'approved')), fields=('runbook',), name='runbooks_version_one_approved'), models.UniqueConstraint(condition=models.Q(('status__in', ['draft', 'in_review'])), fields=('runbook',), name='runbooks_version_one_at_work'), models.CheckConstraint(condition=models.Q(('approved_by', None), ('author', None), models.Q(('approved_by', models.F('author')), _negated=True), _connector='OR'), name='runbooks_version_four_eyes', violation_error_message='Somebody else than its author approves a version.')],
                    },
                ),
                migrations.CreateModel(
                    name='Trigger',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('by', models.CharField(choices=[('alert', 'An alert whose summary or name holds the words'), ('code', 'A diagnostic code'), ('incident_type', 'An incident type'), ('request_type', 'A request type of tickets'), ('factor', 'A contributing factor')], max_length=14)),
                        ('value', models.CharField(max_length=120)),
                        ('runbook', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='triggers', to='runbooks.runbook')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('runbook', 'by', 'value'), name='runbooks_trigger_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Execution',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('status', models.CharField(choices=[('running', 'Running'), ('paused', 'Paused'), ('completed', 'Completed'), ('abandoned', 'Abandoned')], default='running', max_length=10)),
                        ('kind', models.CharField(choices=[('real', 'Real'), ('drill', 'Drill'), ('test', 'Test'), ('backfilled', 'Backfilled')], default='real', max_length=10)),
                        ('context_kind', models.CharField(blank=True, max_length=30)),
                        ('context_ref', models.CharField(blank=True, max_length=60)),
                        ('context_url', models.CharField(blank=True, max_length=300)),
                        ('is_restricted', models.BooleanField(default=False)),
                        ('started_at', models.DateTimeField()),
                        ('ended_at', models.DateTimeField(null=True)),
                        ('ended_reason', models.TextField(blank=True)),
                        ('started_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='executions', to=settings.AUTH_USER_MODEL)),
                        ('watchers', models.ManyToManyField(blank=True, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='executions', to='runbooks.runbookversion')),
                    ],
                    options={
                        'indexes': [models.Index(fields=['context_kind', 'context_ref'], name='runbooks_execution_context'), models.Index(fields=['version', '-started_at'], name='runbooks_execution_recent')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('ended_at', None), ('ended_at__gte', models.F('started_at')), _connector='OR'), name='runbooks_execution_order')],
                    },
                ),
                migrations.CreateModel(
                    name='RunbookStep',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('position', models.PositiveSmallIntegerField()),
                        ('kind', models.CharField(choices=[('check', 'Check'), ('action', 'Action'), ('decision', 'Decision'), ('comms', 'Communication'), ('rollback', 'Rollback'), ('verify', 'Verify')], default='action', max_length=8)),
                        ('title', models.CharField(max_length=160)),
                        ('instruction', models.TextField(blank=True)),
                        ('expected', models.TextField(blank=True)),
                        ('on_fail', models.CharField(choices=[('note', 'Note it and go on'), ('goto', 'Go to another step'), ('escalate', 'Escalate'), ('stop', 'Stop here')], default='note', max_length=8)),
                        ('on_fail_step', models.PositiveSmallIntegerField(blank=True, null=True)),
                        ('on_fail_text', models.TextField(blank=True)),
                        ('minutes', models.PositiveSmallIntegerField(blank=True, null=True)),
                        ('role', models.CharField(blank=True, max_length=20)),
                        ('is_irreversible', models.BooleanField(default=False)),
                        ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='runbooks.runbookversion')),
                    ],
                    options={
                        'ordering': ['version', 'position'],
                        'constraints': [models.UniqueConstraint(fields=('version', 'position'), name='runbooks_step_position'), models.CheckConstraint(condition=models.Q(models.Q(('on_fail', 'goto'), _negated=True), ('on_fail_step__isnull', False), _connector='OR'), name='runbooks_step_goto', violation_error_message='Say which step to go to.')],
                    },
                ),
                migrations.CreateModel(
                    name='RunbookReview',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('actor_kind', models.CharField(choices=[('person', 'Person'), ('key', 'API key'), ('contact', 'Contact'), ('system', 'System')], default='system', max_length=10)),
                        ('actor_ref', models.CharField(default='opsportal', max_length=100)),
                        ('actor_label', models.CharField(default='OpsPortal', max_length=200)),
                        ('outcome', models.CharField(choices=[('confirmed', 'Read and right'), ('changed', 'Changed in a new version'), ('needs_work', 'Needs work'), ('retire', 'Should go')], max_length=10)),
                        ('note', models.TextField()),
                        ('digest', models.CharField(max_length=64)),
                        ('at', models.DateTimeField()),
                        ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('runbook', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='runbooks.runbook')),
                        ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='runbooks.runbookversion')),
                    ],
                ),
                migrations.CreateModel(
                    name='RunbookVersionEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('number', models.PositiveIntegerField()),
                        ('status', models.CharField(choices=[('draft', 'Draft'), ('in_review', 'In review'), ('approved', 'Approved'), ('superseded', 'Superseded'), ('retired', 'Retired')], default='draft', max_length=10)),
                        ('change_note', models.CharField(blank=True, max_length=300)),
                        ('digest', models.CharField(blank=True, max_length=64)),
                        ('created_at', models.DateTimeField()),
                        ('approved_at', models.DateTimeField(null=True)),
                        ('suspect_at', models.DateTimeField(null=True)),
                        ('suspect_note', models.TextField(blank=True)),
                        ('approved_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('author', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='runbooks.runbookversion')),
                        ('runbook', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='runbooks.runbook')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='TriggerEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('by', models.CharField(choices=[('alert', 'An alert whose summary or name holds the words'), ('code', 'A diagnostic code'), ('incident_type', 'An incident type'), ('request_type', 'A request type of tickets'), ('factor', 'A contributing factor')], max_length=14)),
                        ('value', models.CharField(max_length=120)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='runbooks.trigger')),
                        ('runbook', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='runbooks.runbook')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='ExecutionEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('status', models.CharField(choices=[('running', 'Running'), ('paused', 'Paused'), ('completed', 'Completed'), ('abandoned', 'Abandoned')], default='running', max_length=10)),
                        ('kind', models.CharField(choices=[('real', 'Real'), ('drill', 'Drill'), ('test', 'Test'), ('backfilled', 'Backfilled')], default='real', max_length=10)),
                        ('context_kind', models.CharField(blank=True, max_length=30)),
                        ('context_ref', models.CharField(blank=True, max_length=60)),
                        ('context_url', models.CharField(blank=True, max_length=300)),
                        ('is_restricted', models.BooleanField(default=False)),
                        ('started_at', models.DateTimeField()),
                        ('ended_at', models.DateTimeField(null=True)),
                        ('ended_reason', models.TextField(blank=True)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='runbooks.execution')),
                        ('started_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('version', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='runbooks.runbookversion')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='StepResult',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('status', models.CharField(choices=[('pending', 'To do'), ('in_progress', 'In progress'), ('done', 'Done'), ('failed', 'Not as expected'), ('skipped', 'Skipped')], default='pending', max_length=11)),
                        ('by_label', models.CharField(blank=True, max_length=120)),
                        ('at', models.DateTimeField(null=True)),
                        ('output', models.TextField(blank=True)),
                        ('evidence_url', models.CharField(blank=True, max_length=500)),
                        ('confirmed_at', models.DateTimeField(null=True)),
                        ('was_wrong', models.BooleanField(default=False)),
                        ('follow_up_ref', models.CharField(blank=True, max_length=20)),
                        ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('execution', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='results', to='runbooks.execution')),
                        ('step', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='results', to='runbooks.runbookstep')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('execution', 'step'), name='runbooks_result_once')],
                    },
                ),
                migrations.CreateModel(
                    name='StepResultEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('status', models.CharField(choices=[('pending', 'To do'), ('in_progress', 'In progress'), ('done', 'Done'), ('failed', 'Not as expected'), ('skipped', 'Skipped')], default='pending', max_length=11)),
                        ('by_label', models.CharField(blank=True, max_length=120)),
                        ('at', models.DateTimeField(null=True)),
                        ('output', models.TextField(blank=True)),
                        ('evidence_url', models.CharField(blank=True, max_length=500)),
                        ('confirmed_at', models.DateTimeField(null=True)),
                        ('was_wrong', models.BooleanField(default=False)),
                        ('follow_up_ref', models.CharField(blank=True, max_length=20)),
                        ('by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('execution', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='runbooks.execution')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='runbooks.stepresult')),
                        ('step', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='runbooks.runbookstep')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='runbook',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "runbooks_runbookevent" ("archived_at", "backup_id", "cadence_days", "created_at", "id", "key", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "summary", "title") VALUES (NEW."archived_at", NEW."backup_id", NEW."cadence_days", NEW."created_at", NEW."id", NEW."key", NEW."owner_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."summary", NEW."title"); RETURN NULL;', hash='fb47a0970b8e3e9848706f29ef67b84f6f6d7b36', operation='INSERT', pgid='pgtrigger_insert_insert_433e1', table='runbooks_runbook', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='runbook',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "runbooks_runbookevent" ("archived_at", "backup_id", "cadence_days", "created_at", "id", "key", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "summary", "title") VALUES (NEW."archived_at", NEW."backup_id", NEW."cadence_days", NEW."created_at", NEW."id", NEW."key", NEW."owner_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."summary", NEW."title"); RETURN NULL;', hash='afb337a5f372caface6256c4431295a91b0e20da', operation='UPDATE', pgid='pgtrigger_update_update_75794', table='runbooks_runbook', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='runbookevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='d576b1f3069562afdc4c68879a157a38eecc2c48', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_c301f', table='runbooks_runbookevent', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='runbookversion',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "runbooks_runbookversionevent" ("approved_at", "approved_by_id", "author_id", "change_note", "created_at", "digest", "id", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "runbook_id", "status", "suspect_at", "suspect_note") VALUES (NEW."approved_at", NEW."approved_by_id", NEW."author_id", NEW."change_note", NEW."created_at", NEW."digest", NEW."id", NEW."number", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."runbook_id", NEW."status", NEW."suspect_at", NEW."suspect_note"); RETURN NULL;', hash='10e1e0586d77b3a7c586955c8c41f6f6a8d0c5a4', operation='INSERT', pgid='pgtrigger_insert_insert_72b22', table='runbooks_runbookversion', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='runbookversion',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "runbooks_runbookversionevent" ("approved_at", "approved_by_id", "author_id", "change_note", "created_at", "digest", "id", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "runbook_id", "status", "suspect_at", "suspect_note") VALUES (NEW."approved_at", NEW."approved_by_id", NEW."author_id", NEW."change_note", NEW."created_at", NEW."digest", NEW."id", NEW."number", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."runbook_id", NEW."status", NEW."suspect_at", NEW."suspect_note"); RETURN NULL;', hash='eda2e8eae8407b0002f19bbced898fb2ee79a1de', operation='UPDATE', pgid='pgtrigger_update_update_26d90', table='runbooks_runbookversion', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='runbookstep',
                    trigger=pgtrigger.compiler.Trigger(name='frozen', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE state TEXT;', func="\n                    SELECT status INTO state FROM runbooks_runbookversion\n                     WHERE id = COALESCE(NEW.version_id, OLD.version_id);\n                    IF state IS DISTINCT FROM 'draft' THEN\n                      RAISE EXCEPTION 'A step of a version that is no draft does not change.'\n                        USING ERRCODE = 'check_violation';\n                    END IF;\n                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                    RETURN NEW;\n                    ", hash='614d7d3823942fc4ea5210fefd4663c85d941208', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_frozen_e3aec', table='runbooks_runbookstep', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='runbookreview',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='4bf5f97304756a3034483a283d3f50e8b2648bbd', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_049df', table='runbooks_runbookreview', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='executionevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='e00f05bd279ad0f69abdc90a04953d984b22cc2a', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_141ed', table='runbooks_executionevent', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='execution',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "runbooks_executionevent" ("context_kind", "context_ref", "context_url", "ended_at", "ended_reason", "id", "is_restricted", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "started_at", "started_by_id", "status", "version_id") VALUES (NEW."context_kind", NEW."context_ref", NEW."context_url", NEW."ended_at", NEW."ended_reason", NEW."id", NEW."is_restricted", NEW."kind", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."started_at", NEW."started_by_id", NEW."status", NEW."version_id"); RETURN NULL;', hash='2363467a280bd1d31afe0f53a5dfffde83562d7d', operation='INSERT', pgid='pgtrigger_insert_insert_4a11e', table='runbooks_execution', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='execution',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "runbooks_executionevent" ("context_kind", "context_ref", "context_url", "ended_at", "ended_reason", "id", "is_restricted", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "started_at", "started_by_id", "status", "version_id") VALUES (NEW."context_kind", NEW."context_ref", NEW."context_url", NEW."ended_at", NEW."ended_reason", NEW."id", NEW."is_restricted", NEW."kind", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."started_at", NEW."started_by_id", NEW."status", NEW."version_id"); RETURN NULL;', hash='9ed222221ab01b88c1babf47dd1d6ca23cb8ae51', operation='UPDATE', pgid='pgtrigger_update_update_4d6f6', table='runbooks_execution', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='runbookversionevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='ebfabf4715d95c006834d02eb86a9fe4bd45510c', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_f2d73', table='runbooks_runbookversionevent', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='stepresult',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "runbooks_stepresultevent" ("at", "by_id", "by_label", "confirmed_at", "evidence_url", "execution_id", "follow_up_ref", "id", "output", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "step_id", "was_wrong") VALUES (NEW."at", NEW."by_id", NEW."by_label", NEW."confirmed_at", NEW."evidence_url", NEW."execution_id", NEW."follow_up_ref", NEW."id", NEW."output", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."status", NEW."step_id", NEW."was_wrong"); RETURN NULL;', hash='4f5856eb16b93783ec59fb24b069225cf3a288d1', operation='INSERT', pgid='pgtrigger_insert_insert_bf921', table='runbooks_stepresult', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='stepresult',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "runbooks_stepresultevent" ("at", "by_id", "by_label", "confirmed_at", "evidence_url", "execution_id", "follow_up_ref", "id", "output", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "step_id", "was_wrong") VALUES (NEW."at", NEW."by_id", NEW."by_label", NEW."confirmed_at", NEW."evidence_url", NEW."execution_id", NEW."follow_up_ref", NEW."id", NEW."output", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."status", NEW."step_id", NEW."was_wrong"); RETURN NULL;', hash='9933821b550a9f47a75eee9348b49be9bc63470e', operation='UPDATE', pgid='pgtrigger_update_update_70385', table='runbooks_stepresult', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='stepresultevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='c14c6e2f2d07f34b69cd69b0d92c0c659d67d4d2', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_74512', table='runbooks_stepresultevent', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='trigger',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "runbooks_triggerevent" ("by", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "runbook_id", "value") VALUES (NEW."by", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."runbook_id", NEW."value"); RETURN NULL;', hash='ae620f5ac9c81936713d11478406249052906227', operation='INSERT', pgid='pgtrigger_insert_insert_0efbb', table='runbooks_trigger', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='trigger',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "runbooks_triggerevent" ("by", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "runbook_id", "value") VALUES (NEW."by", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."runbook_id", NEW."value"); RETURN NULL;', hash='6dd6b0d8aa830c1f7b2c0d73fd7112bdb59c0228', operation='UPDATE', pgid='pgtrigger_update_update_ba932', table='runbooks_trigger', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='triggerevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='46bdd8a148c51f0d775ae3cdc21c466c4daf31d7', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_9b78f', table='runbooks_triggerevent', when='BEFORE')),
                ),
            ],
        ),
    ]

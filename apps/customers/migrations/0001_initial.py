import apps.accounts.models
import apps.core.migrations._together
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
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
                    name='Account',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.SlugField(max_length=60, unique=True)),
                        ('name', models.CharField(max_length=120)),
                        ('tier', models.CharField(choices=[('partner', 'Design partner'), ('premium', 'Premium'), ('standard', 'Standard'), ('free', 'Free')], default='standard', max_length=8)),
                        ('domain', models.CharField(blank=True, help_text='Contacts who write from it belong here: bramble.example.', max_length=120, verbose_name='mail domain')),
                        ('note', models.TextField(blank=True)),
                        ('created_at', models.DateTimeField(editable=False)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('owner', models.ForeignKey(blank=True, help_text='Who of us looks after this customer.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='customer_accounts', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['name'],
                        'indexes': [models.Index(fields=['name', 'id'], name='customers_account_by_name'), django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('name'), name='gin_trgm_ops'), fastupdate=False, name='customers_account_words')],
                        'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('domain'), condition=models.Q(('domain', ''), _negated=True), name='customers_account_domain_once', violation_error_message='This mail domain belongs to another account.')],
                    },
                ),
                migrations.CreateModel(
                    name='AccountEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('key', models.SlugField(db_index=False, max_length=60)),
                        ('name', models.CharField(max_length=120)),
                        ('tier', models.CharField(choices=[('partner', 'Design partner'), ('premium', 'Premium'), ('standard', 'Standard'), ('free', 'Free')], default='standard', max_length=8)),
                        ('domain', models.CharField(blank=True, help_text='Contacts who write from it belong here: bramble.example.', max_length=120, verbose_name='mail domain')),
                        ('note', models.TextField(blank=True)),
                        ('created_at', models.DateTimeField(editable=False)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('owner', models.ForeignKey(blank=True, db_constraint=False, help_text='Who of us looks after this customer.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='customers.account')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='Org',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.SlugField(max_length=60, unique=True)),
                        ('name', models.CharField(max_length=120)),
                        ('external_id', models.CharField(blank=True, help_text='What the product or an importer calls it.', max_length=120, verbose_name='external id')),
                        ('created_at', models.DateTimeField(editable=False)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('account', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orgs', to='customers.account')),
                    ],
                    options={
                        'ordering': ['name'],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('external_id', ''), _negated=True), fields=('external_id',), name='customers_org_external_id_once', violation_error_message='Another org has this external id already.')],
                    },
                ),
                migrations.CreateModel(
                    name='Contact',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(blank=True, max_length=120)),
                        ('email', models.EmailField(max_length=254, verbose_name='e-mail')),
                        ('phone', models.CharField(blank=True, max_length=40)),
                        ('time_zone', models.CharField(default='UTC', max_length=64, validators=[apps.accounts.models.check_zone])),
                        ('note', models.TextField(blank=True)),
                        ('blocked_at', models.DateTimeField(blank=True, editable=False, help_text='Mail from here is kept but opens nothing.', null=True)),
                        ('created_at', models.DateTimeField(editable=False)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('account', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='customers.account')),
                        ('org', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='customers.org')),
                    ],
                    options={
                        'ordering': ['email'],
                        'indexes': [models.Index(fields=['email', 'id'], name='customers_contact_at'), models.Index(django.db.models.functions.comparison.Collate('email', 'C'), name='customers_contact_by_email'), models.Index(django.db.models.functions.comparison.Collate(django.db.models.functions.text.Upper('name'), 'C'), name='customers_contact_by_name'), django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('email'), name='gin_trgm_ops'), django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('name'), name='gin_trgm_ops'), fastupdate=False, name='customers_contact_words')],
                        'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='customers_contact_email_once', violation_error_message='Somebody with this address is here already.')],
                    },
                ),
                migrations.CreateModel(
                    name='OrgEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('key', models.SlugField(db_index=False, max_length=60)),
                        ('name', models.CharField(max_length=120)),
                        ('external_id', models.CharField(blank=True, help_text='What the product or an importer calls it.', max_length=120, verbose_name='external id')),
                        ('created_at', models.DateTimeField(editable=False)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('account', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='customers.account')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='customers.org')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='Project',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.SlugField(max_length=80)),
                        ('name', models.CharField(max_length=120)),
                        ('repository_url', models.URLField(blank=True, verbose_name='repository')),
                        ('created_at', models.DateTimeField(editable=False)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('org', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='projects', to='customers.org')),
                    ],
                    options={
                        'ordering': ['org', 'name'],
                        'constraints': [models.UniqueConstraint(fields=('org', 'key'), name='customers_project_key_once', violation_error_message='The org has a project with this key already.')],
                    },
                ),
                migrations.CreateModel(
                    name='ContactEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('name', models.CharField(blank=True, max_length=120)),
                        ('email', models.EmailField(max_length=254, verbose_name='e-mail')),
                        ('phone', models.CharField(blank=True, max_length=40)),
                        ('time_zone', models.CharField(default='UTC', max_length=64, validators=[apps.accounts.models.check_zone])),
                        ('note', models.TextField(blank=True)),
                        ('blocked_at', models.DateTimeField(blank=True, editable=False, help_text='Mail from here is kept but opens nothing.', null=True)),
                        ('created_at', models.DateTimeField(editable=False)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('account', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='customers.account')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='customers.contact')),
                        ('org', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='customers.org')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='ProjectEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('key', models.SlugField(db_index=False, max_length=80)),
                        ('name', models.CharField(max_length=120)),
                        ('repository_url', models.URLField(blank=True, verbose_name='repository')),
                        ('created_at', models.DateTimeField(editable=False)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('org', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='customers.org')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='customers.project')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='Source',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.SlugField(max_length=80)),
                        ('name', models.CharField(max_length=120)),
                        ('warehouse_type', models.CharField(max_length=40)),
                        ('size', models.CharField(blank=True, max_length=40)),
                        ('created_at', models.DateTimeField(editable=False)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('project', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sources', to='customers.project')),
                    ],
                    options={
                        'ordering': ['project', 'name'],
                        'constraints': [models.UniqueConstraint(fields=('project', 'key'), name='customers_source_key_once', violation_error_message='The project has a source with this key already.')],
                    },
                ),
                migrations.CreateModel(
                    name='Connection',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.SlugField(max_length=80, unique=True)),
                        ('name', models.CharField(max_length=120)),
                        ('connector', models.CharField(blank=True, help_text='Fivetran connector, empty for the warehouse itself.', max_length=60)),
                        ('cadence_seconds', models.PositiveIntegerField(blank=True, null=True, verbose_name='cadence')),
                        ('paused_at', models.DateTimeField(blank=True, null=True)),
                        ('created_at', models.DateTimeField(editable=False)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='connections', to='customers.source')),
                    ],
                    options={
                        'ordering': ['name'],
                    },
                ),
                migrations.CreateModel(
                    name='SourceEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('key', models.SlugField(db_index=False, max_length=80)),
                        ('name', models.CharField(max_length=120)),
                        ('warehouse_type', models.CharField(max_length=40)),
                        ('size', models.CharField(blank=True, max_length=40)),
                        ('created_at', models.DateTimeField(editable=False)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='customers.source')),
                        ('project', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='customers.project')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='ConnectionEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.BigIntegerField()),
                        ('key', models.SlugField(db_index=False, max_length=80)),
                        ('name', models.CharField(max_length=120)),
                        ('connector', models.CharField(blank=True, help_text='Fivetran connector, empty for the warehouse itself.', max_length=60)),
                        ('cadence_seconds', models.PositiveIntegerField(blank=True, null=True, verbose_name='cadence')),
                        ('paused_at', models.DateTimeField(blank=True, null=True)),
                        ('created_at', models.DateTimeField(editable=False)),
                        ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='customers.connection')),
                        ('source', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='customers.source')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='account',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "customers_accountevent" ("archived_at", "created_at", "domain", "id", "key", "name", "note", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "tier") VALUES (NEW."archived_at", NEW."created_at", NEW."domain", NEW."id", NEW."key", NEW."name", NEW."note", NEW."owner_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."tier"); RETURN NULL;', hash='256403639b763ac56f83eef2d6f992768b28e5ae', operation='INSERT', pgid='pgtrigger_insert_insert_c7393', table='customers_account', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='account',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "customers_accountevent" ("archived_at", "created_at", "domain", "id", "key", "name", "note", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "tier") VALUES (NEW."archived_at", NEW."created_at", NEW."domain", NEW."id", NEW."key", NEW."name", NEW."note", NEW."owner_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."tier"); RETURN NULL;', hash='02e971e5046135e57d6d6305bc750ceba84ad929', operation='UPDATE', pgid='pgtrigger_update_update_2fc5e', table='customers_account', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='accountevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='10538714b4797dd6a8ebdfc993bec3c47744f99d', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_e650c', table='customers_accountevent', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='org',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "customers_orgevent" ("account_id", "archived_at", "created_at", "external_id", "id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."account_id", NEW."archived_at", NEW."created_at", NEW."external_id", NEW."id", NEW."key", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;', hash='bafb39b7fa1f34f66169258b780da10610f9e83f', operation='INSERT', pgid='pgtrigger_insert_insert_056d8', table='customers_org', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='org',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "customers_orgevent" ("account_id", "archived_at", "created_at", "external_id", "id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."account_id", NEW."archived_at", NEW."created_at", NEW."external_id", NEW."id", NEW."key", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;', hash='0d3e4817b2fb5f1590899455fdaea9b56ef2bd93', operation='UPDATE', pgid='pgtrigger_update_update_3d7bc', table='customers_org', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='contactevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='148e5d94a0b9a7b4c299fcf9d6ddcbb2c9c45508', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_a1838', table='customers_contactevent', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='contact',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "customers_contactevent" ("account_id", "archived_at", "blocked_at", "created_at", "email", "id", "name", "note", "org_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "time_zone") VALUES (NEW."account_id", NEW."archived_at", NEW."blocked_at", NEW."created_at", NEW."email", NEW."id", NEW."name", NEW."note", NEW."org_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."phone", NEW."time_zone"); RETURN NULL;', hash='6c0ecff16be12aece8b97a9deea898bbf1878569', operation='INSERT', pgid='pgtrigger_insert_insert_84620', table='customers_contact', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='contact',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "customers_contactevent" ("account_id", "archived_at", "blocked_at", "created_at", "email", "id", "name", "note", "org_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "time_zone") VALUES (NEW."account_id", NEW."archived_at", NEW."blocked_at", NEW."created_at", NEW."email", NEW."id", NEW."name", NEW."note", NEW."org_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."phone", NEW."time_zone"); RETURN NULL;', hash='d969127d7720f1f4bffcc811cfb541c5c45c99e7', operation='UPDATE', pgid='pgtrigger_update_update_760d1', table='customers_contact', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='orgevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='e271e0c6521cdc0304bd2e9edab32b00ebfb5514', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_b456a', table='customers_orgevent', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='project',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "customers_projectevent" ("archived_at", "created_at", "id", "key", "name", "org_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "repository_url") VALUES (NEW."archived_at", NEW."created_at", NEW."id", NEW."key", NEW."name", NEW."org_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."repository_url"); RETURN NULL;', hash='c8068aa4f16af6baeb8ad510467451af139869cb', operation='INSERT', pgid='pgtrigger_insert_insert_74ece', table='customers_project', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='project',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "customers_projectevent" ("archived_at", "created_at", "id", "key", "name", "org_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "repository_url") VALUES (NEW."archived_at", NEW."created_at", NEW."id", NEW."key", NEW."name", NEW."org_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."repository_url"); RETURN NULL;', hash='8c27bbba8b55f83ef26dd415ece9c0ab1c17a7f1', operation='UPDATE', pgid='pgtrigger_update_update_88e71', table='customers_project', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='projectevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='a24692ca92e9afb2d2ceeae59ceb53129a6e9e5f', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_df50d', table='customers_projectevent', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='source',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "customers_sourceevent" ("archived_at", "created_at", "id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "size", "warehouse_type") VALUES (NEW."archived_at", NEW."created_at", NEW."id", NEW."key", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."project_id", NEW."size", NEW."warehouse_type"); RETURN NULL;', hash='c4009fdc00fd12be9acbf64a7e5dea91653592af', operation='INSERT', pgid='pgtrigger_insert_insert_83aef', table='customers_source', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='source',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "customers_sourceevent" ("archived_at", "created_at", "id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "size", "warehouse_type") VALUES (NEW."archived_at", NEW."created_at", NEW."id", NEW."key", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."project_id", NEW."size", NEW."warehouse_type"); RETURN NULL;', hash='63b2462c6aad288b29c7eb94ee4b608fb0a0af67', operation='UPDATE', pgid='pgtrigger_update_update_eaaec', table='customers_source', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='connectionevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='cda49339e197da9b01e5977f9b140ea3053d0e5b', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_9250e', table='customers_connectionevent', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='connection',
                    trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "customers_connectionevent" ("archived_at", "cadence_seconds", "connector", "created_at", "id", "key", "name", "paused_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source_id") VALUES (NEW."archived_at", NEW."cadence_seconds", NEW."connector", NEW."created_at", NEW."id", NEW."key", NEW."name", NEW."paused_at", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."source_id"); RETURN NULL;', hash='590a385bf7fe0737e0c7622f273712d2cfb3067c', operation='INSERT', pgid='pgtrigger_insert_insert_12e77', table='customers_connection', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='connection',
                    trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "customers_connectionevent" ("archived_at", "cadence_seconds", "connector", "created_at", "id", "key", "name", "paused_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source_id") VALUES (NEW."archived_at", NEW."cadence_seconds", NEW."connector", NEW."created_at", NEW."id", NEW."key", NEW."name", NEW."paused_at", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."source_id"); RETURN NULL;', hash='c5e266bca881f8f36c15ad027f54b093ac48d919', operation='UPDATE', pgid='pgtrigger_update_update_d94b8', table='customers_connection', when='AFTER')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='sourceevent',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='ea9d3866c2de70c1927b35a8943b7d6eb0a6959c', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_84e30', table='customers_sourceevent', when='BEFORE')),
                ),
            ],
        ),
    ]

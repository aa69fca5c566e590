from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False  # the outbox may be large: its indexes are built beside its use

    dependencies = [
        ('notifications', '0002_mail_to_contacts'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='message',
            index=models.Index(condition=models.Q(('is_outside', False), ('status', 'pending')), fields=['lane', 'not_before', 'id'], name='notifications_message_inside'),
        ),
        AddIndexConcurrently(
            model_name='message',
            index=models.Index(condition=models.Q(('is_outside', True), ('status', 'pending')), fields=['lane', 'not_before', 'id'], name='notifications_message_outside'),
        ),
    ]

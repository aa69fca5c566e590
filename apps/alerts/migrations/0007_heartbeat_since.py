from django.db import migrations, models
from django.utils import timezone


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0006_rules"),
    ]

    operations = [
        migrations.AddField(
            model_name="heartbeat",
            name="since_at",
            field=models.DateTimeField(default=timezone.now, editable=False),
            preserve_default=False,
        ),
    ]

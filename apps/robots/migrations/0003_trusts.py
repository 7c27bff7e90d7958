import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('robots', '0002_sources'),
    ]

    operations = [
        migrations.CreateModel(
            name='RobotTrust',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('issuer', models.CharField(max_length=1024)),
                ('audience', models.CharField(max_length=255)),
                ('subject', models.CharField(max_length=255)),
                ('claims', models.JSONField(default=dict)),
                ('creation_time', models.DateTimeField(default=django.utils.timezone.now)),
                ('robot', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='trusts', to='robots.robot')),
            ],
            options={
                'db_table': 'robot_trust',
            },
        ),
    ]

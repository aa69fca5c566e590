"""Whom we promised something to: accounts, their orgs, what they connect, and who writes to us."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Collate, Lower, Upper

from apps.accounts.models import Person, check_zone
from apps.customers.querysets import CustomerQuerySet


@pghistory.track()
class Account(models.Model):
    """A company with a contract, or on its way to one."""

    class Tier(models.TextChoices):
        PARTNER = "partner", "Design partner"
        PREMIUM = "premium", "Premium"
        STANDARD = "standard", "Standard"
        FREE = "free", "Free"

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    tier = models.CharField(max_length=8, choices=Tier, default=Tier.STANDARD)
    owner = models.ForeignKey(
        Person,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="customer_accounts",
        help_text="Who of us looks after this customer.",
    )
    domain = models.CharField(
        "mail domain",
        max_length=120,
        blank=True,
        help_text="Contacts who write from it belong here: bramble.example.",
    )
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("domain"),
                condition=~Q(domain=""),
                name="customers_account_domain_once",
                violation_error_message="This mail domain belongs to another account.",
            )
        ]
        indexes = [
            models.Index(fields=["name", "id"], name="customers_account_by_name"),
            GinIndex(
                OpClass(Upper("name"), name="gin_trgm_ops"),
                name="customers_account_words",
                fastupdate=False,
            ),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Org(models.Model):
    """A tenant of the product; an imported workspace is one.

    `external_id` is what the tool that imported it calls it: one org per id. An org without an
    account is one of which nobody has said yet whose it is.
    """

    account = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, related_name="orgs")
    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    external_id = models.CharField(
        "external id",
        max_length=120,
        blank=True,
        help_text="What the product or an importer calls it.",
    )
    created_at = models.DateTimeField(editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["external_id"],
                condition=~Q(external_id=""),
                name="customers_org_external_id_once",
                violation_error_message="Another org has this external id already.",
            )
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Project(models.Model):
    """A repository of models and boards inside an org."""

    org = models.ForeignKey(Org, models.PROTECT, related_name="projects")
    key = models.SlugField(max_length=80)
    name = models.CharField(max_length=120)
    repository_url = models.URLField("repository", blank=True)
    created_at = models.DateTimeField(editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["org", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["org", "key"],
                name="customers_project_key_once",
                violation_error_message="The org has a project with this key already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.org}: {self.name}"


@pghistory.track()
class Source(models.Model):
    """A warehouse that a project reads. The type is open text: snowflake, bigquery, postgres, …"""

    project = models.ForeignKey(Project, models.PROTECT, related_name="sources")
    key = models.SlugField(max_length=80)
    name = models.CharField(max_length=120)
    warehouse_type = models.CharField(max_length=40)
    size = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["project", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "key"],
                name="customers_source_key_once",
                violation_error_message="The project has a source with this key already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.warehouse_type})"


@pghistory.track()
class Connection(models.Model):
    """How data gets into or out of a source, and how often it is meant to be fresh.

    `cadence_seconds` is null where nothing runs by itself: then silence says nothing.
    """

    source = models.ForeignKey(Source, models.PROTECT, related_name="connections")
    key = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    connector = models.CharField(
        max_length=60, blank=True, help_text="Fivetran connector, empty for the warehouse itself."
    )
    cadence_seconds = models.PositiveIntegerField("cadence", null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Contact(models.Model):
    """Somebody outside who writes to us. One row per address, which is kept in lower case."""

    account = models.ForeignKey(
        Account, models.PROTECT, null=True, blank=True, related_name="contacts"
    )
    org = models.ForeignKey(Org, models.PROTECT, null=True, blank=True, related_name="contacts")
    name = models.CharField(max_length=120, blank=True)
    email = models.EmailField("e-mail")
    phone = models.CharField(max_length=40, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_zone])
    note = models.TextField(blank=True)
    blocked_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Mail from here is kept but opens nothing."
    )
    created_at = models.DateTimeField(editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="customers_contact_email_once",
                violation_error_message="Somebody with this address is here already.",
            )
        ]
        indexes = [
            models.Index(fields=["email", "id"], name="customers_contact_at"),
            # Beginnings, in order: what a typeahead asks for after one or two letters.
            models.Index(Collate("email", "C"), name="customers_contact_by_email"),
            models.Index(Collate(Upper("name"), "C"), name="customers_contact_by_name"),
            # Anything inside, from three letters on.
            GinIndex(
                OpClass(Upper("email"), name="gin_trgm_ops"),
                OpClass(Upper("name"), name="gin_trgm_ops"),
                name="customers_contact_words",
                fastupdate=False,  # a list of pending rows lures the planner away after an import
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email

"""Escalation policies, and the form in which a page freezes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import Team
from apps.core.errors import Conflict, Invalid
from apps.ownership.models import Surface
from apps.paging.models import EscalationPolicy, EscalationStep, StepTarget, SurfacePolicy

Kind = StepTarget.Kind


@dataclass(frozen=True)
class PolicyStep:
    """A step as callers write it: wait, then these targets, `StepTarget` fields as dicts."""

    delay_minutes: int
    targets: Sequence[dict[str, Any]] = field(default=())
    only_in_working_hours: bool = False


# On call, then backup and the surface's owner, then lead and managers: the usual small team.
BUILT_IN = (
    PolicyStep(0, [{"kind": Kind.SURFACE_ON_CALL}]),
    PolicyStep(5, [{"kind": Kind.SURFACE_PRIMARY}, {"kind": Kind.SURFACE_BACKUP}]),
    PolicyStep(10, [{"kind": Kind.SURFACE_LEAD}, {"kind": Kind.MANAGERS}]),
)


@transaction.atomic
def save_policy(
    *,
    name: str,
    steps: Sequence[PolicyStep],
    repeats: int = 2,
    time_zone: str = "UTC",
    working_hours: Sequence[dict[str, Any]] = (),
    team: Team | None = None,
    is_default: bool = False,
    policy: EscalationPolicy | None = None,
) -> EscalationPolicy:
    """Create or replace a policy with its steps. Open pages keep the one they froze."""
    if not steps or not any(step.targets for step in steps):
        raise Invalid(
            "A policy needs a step that tells somebody.",
            fields={"steps": ["Add a step with a target."]},
        )
    if is_default:
        EscalationPolicy.objects.filter(is_default=True).update(is_default=False)
    elif policy and EscalationPolicy.objects.filter(pk=policy.pk, is_default=True).exists():
        raise Conflict(
            "There must be a default. Make another policy the default instead.",
            fields={"is_default": ["Make another policy the default instead."]},
        )
    policy = policy or EscalationPolicy()
    policy.name, policy.repeats, policy.time_zone = name, repeats, time_zone
    policy.working_hours, policy.team = list(working_hours), team
    policy.is_default = is_default
    policy.full_clean()
    policy.save()
    policy.steps.all().delete()
    for position, step in enumerate(steps):
        row = EscalationStep.objects.create(
            policy=policy,
            position=position,
            delay_minutes=step.delay_minutes,
            only_in_working_hours=step.only_in_working_hours,
        )
        for target in step.targets:
            wanted = StepTarget(step=row, **target)
            wanted.full_clean()
            wanted.save()
    return policy


def default_policy() -> EscalationPolicy:
    """The site's default; made from the built-in steps when nobody has chosen one."""
    found = EscalationPolicy.objects.filter(is_default=True).first()
    if found is not None:
        return found
    with transaction.atomic():
        taken = EscalationPolicy.objects.filter(name="Standard").exists()
        name = "Standard (built in)" if taken else "Standard"
        return save_policy(name=name, steps=BUILT_IN, is_default=True)


@transaction.atomic
def archive_policy(*, policy: EscalationPolicy, now: datetime) -> EscalationPolicy:
    """Take a policy out of use. Refused for the default, and while a surface uses it."""
    if policy.is_default:
        raise Conflict("This is the default. Make another policy the default first.")
    used = SurfacePolicy.objects.filter(policy=policy, surface__archived_at=None)
    keys = list(used.order_by("surface__key").values_list("surface__key", flat=True)[:3])
    if keys:
        raise Conflict(f"{policy.name} is used by {', '.join(keys)}. Give those another first.")
    policy.archived_at = now
    policy.save(update_fields=["archived_at"])
    return policy


def restore_policy(*, policy: EscalationPolicy) -> EscalationPolicy:
    policy.archived_at = None
    policy.save(update_fields=["archived_at"])
    return policy


def use_policy(*, surface: Surface, policy: EscalationPolicy | None) -> None:
    """Which policy a surface uses; None: the default."""
    if policy is None:
        SurfacePolicy.objects.filter(surface=surface).delete()
        return
    SurfacePolicy.objects.update_or_create(surface=surface, defaults={"policy": policy})


def policy_of(surface: Surface | None) -> EscalationPolicy:
    """The surface's own policy, its parent's, or the default."""
    if surface is not None:
        keys = [key for key in (surface.pk, surface.parent_id) if key]
        rows = {
            row.surface_id: row.policy
            for row in SurfacePolicy.objects.filter(
                surface_id__in=keys, policy__archived_at=None
            ).select_related("policy")
        }
        found = rows.get(surface.pk) or rows.get(surface.parent_id or 0)
        if found:
            return found
    return default_policy()


def snapshot_for(policy: EscalationPolicy) -> dict[str, Any]:
    """The policy as a page keeps it: edits later do not change a running escalation."""
    steps = []
    for step in policy.steps.prefetch_related("targets").order_by("position", "pk"):
        targets = [_target(target) for target in step.targets.all()]
        if targets:
            steps.append(
                {
                    "delay_seconds": step.delay_minutes * 60,
                    "only_in_working_hours": step.only_in_working_hours,
                    "targets": targets,
                }
            )
    return {
        "name": policy.name,
        "time_zone": policy.time_zone,
        "repeats": policy.repeats,
        "working_hours": policy.working_hours,
        "steps": steps,
    }


def _target(target: StepTarget) -> dict[str, Any]:
    ref = target.person_id or target.team_id or target.schedule_id
    return {"kind": target.kind, "role": target.role, **({"id": ref} if ref else {})}

"""What runbooks answer to those below: a completed run is evidence for a follow-up."""

from __future__ import annotations

import re

from apps.followups.ports import Checked
from apps.runbooks.freshness import ENOUGH_DONE, Run, proves
from apps.runbooks.models import Execution, StepResult

_REF = re.compile(r"RUN-([0-9]{1,18})", re.IGNORECASE)


class Executions:
    """Runs of runbooks by their reference, RUN-7."""

    types = frozenset({"execution"})

    def check(self, *, type: str, ref: str) -> Checked | None:
        """A run shows something when it was completed, at least 80 % of its steps were done, and
        nobody said that one was wrong."""
        match = _REF.fullmatch(ref.strip())
        if type not in self.types or match is None:
            return None
        rows = Execution.objects.select_related("version__runbook")
        run = rows.filter(pk=int(match[1])).first()
        if run is None:
            return None
        label = f"{run.ref}, {run.version}"
        return Checked(label, f"/runbooks/runs/{run.ref}/", _problem(run))


def _problem(run: Execution) -> str:
    if run.status != Execution.Status.COMPLETED or run.ended_at is None:
        return f"{run.ref} is {run.get_status_display().lower()}; a completed run is needed."
    if run.kind == "test":
        return f"{run.ref} is a test; a real run or a drill is needed."
    rows = list(StepResult.objects.filter(execution=run).values_list("status", "was_wrong"))
    done = sum(status == StepResult.Status.DONE for status, _ in rows)
    wrong = any(was_wrong for _, was_wrong in rows)
    if wrong:
        return f"In {run.ref} somebody said that a step was wrong."
    if not proves(Run(run.ended_at, len(rows), done)):
        return f"Only {done} of {len(rows)} steps of {run.ref} were done; {ENOUGH_DONE:.0%} count."
    return ""

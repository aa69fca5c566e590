"""Changes of customers: accounts, their orgs and connections, and the people who write to us.

Each `save_…` creates a row (None) or changes one; `fields` are columns out of its EDITABLE set, and
what is not named stays. All raise Invalid, ValidationError for columns, Conflict when somebody else
was faster.
"""

from __future__ import annotations

from apps.customers.services.accounts import archive_account, bring_back_account, save_account
from apps.customers.services.contacts import (
    block_contact,
    find_or_create_contact,
    save_contact,
    unblock_contact,
)
from apps.customers.services.orgs import (
    connect,
    import_org,
    save_connection,
    save_org,
    save_project,
    save_source,
)
from apps.customers.services.rows import EDITABLE, archive, bring_back

__all__ = [
    "EDITABLE",
    "archive",
    "archive_account",
    "block_contact",
    "bring_back",
    "bring_back_account",
    "connect",
    "find_or_create_contact",
    "import_org",
    "save_account",
    "save_connection",
    "save_contact",
    "save_org",
    "save_project",
    "save_source",
    "unblock_contact",
]

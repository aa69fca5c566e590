"""Customers in the admin: accounts, what they have of the product, and who writes to us."""

from __future__ import annotations

from apps.customers.admin import accounts, contacts, orgs

__all__ = ["accounts", "contacts", "orgs"]

"""Whom to wake: policies, which surface uses which, the surfaces' own pages, and the pages."""

from __future__ import annotations

from apps.paging.admin import pages, policies, surfaces

__all__ = ["pages", "policies", "surfaces"]

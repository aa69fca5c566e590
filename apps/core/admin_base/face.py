"""What the admin wears. Everything that is django-unfold's is named in this file and nowhere else,
so a fall-back to Django's stock admin is a change of this file (and of the theme in settings).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models

from apps.core.admin_base import forms

__all__ = [
    "ChangeListFace",
    "ModelFace",
    "PaginatorFace",
    "SiteFace",
    "StackedInline",
    "TabularInline",
    "display",
]

M = TypeVar("M", bound=models.Model)
P = TypeVar("P", bound=models.Model)

if TYPE_CHECKING:  # unfold ships no types; its classes are the stock ones with another face
    from django.contrib.admin import AdminSite as SiteFace
    from django.contrib.admin import StackedInline, TabularInline
    from django.contrib.admin.views.main import ChangeList as ChangeListFace

    class ModelFace(admin.ModelAdmin[M]):
        pass

    class PaginatorFace(Paginator[Any]):
        pass

    display = admin.display
else:
    from unfold.admin import ModelAdmin as UnfoldModelAdmin
    from unfold.admin import StackedInline as UnfoldStackedInline
    from unfold.admin import TabularInline as UnfoldTabularInline
    from unfold.decorators import display
    from unfold.sites import UnfoldAdminSite as SiteFace
    from unfold.views import ChangeList as ChangeListFace

    PaginatorFace = Paginator

    class ModelFace(UnfoldModelAdmin, Generic[M]):
        pass

    class StackedInline(UnfoldStackedInline, Generic[M, P]):
        form = forms.Form

    class TabularInline(UnfoldTabularInline, Generic[M, P]):
        form = forms.Form

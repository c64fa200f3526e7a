"""Who may: nobody, unless a view says who."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission

if TYPE_CHECKING:  # REST framework's views import this module
    from rest_framework.request import Request
    from rest_framework.views import APIView


class DenyByDefault(BasePermission):
    """For views that forgot to say who may use them."""

    message = "Nobody may use this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return False

"""``/openapi.json``: the description of this API."""

from django.utils.module_loading import import_string
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.views import HarborView


class OpenApiView(HarborView):
    """Made once a process: it follows from the code alone."""

    def get(self, _request: Request) -> Response:
        """The description, for everybody."""
        # By name: a process that is never asked does not carry what makes it.
        return Response(import_string("apps.api.description.describe")())

"""``/devcenter-api-2.0``: a page to read and try the API with, all of it served from here."""

from django.http import HttpRequest, HttpResponse
from django.views.generic import View

_UI = "/static/drf_spectacular_sidecar/swagger-ui-dist"

# Files of ours alone, and the pictures that are in Swagger UI's style sheet.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_PAGE = f"""<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>API explorer</title>
    <link rel="icon" href="{_UI}/favicon-32x32.png">
    <link rel="stylesheet" href="{_UI}/swagger-ui.css">
  </head>
  <body>
    <div id="explorer"></div>
    <script src="{_UI}/swagger-ui-bundle.js"></script>
    <script src="/static/explorer/explorer.js"></script>
  </body>
</html>
"""


class ExplorerView(View):
    """The page, for everybody: what it may do is up to the credentials that it is given."""

    http_method_names = ["get", "head"]

    def get(self, _request: HttpRequest) -> HttpResponse:
        """Swagger UI over ``/api/v2.0/openapi.json``."""
        response = HttpResponse(_PAGE)
        response["Content-Security-Policy"] = _POLICY
        response["X-Frame-Options"] = "DENY"
        return response

"""Everything but the data plane, which :mod:`harbor_py.wsgi` sends elsewhere."""

from django.urls import include, path

urlpatterns = [path("api/", include("apps.api.urls"))]

handler400 = "apps.api.errors.bad_request"
handler404 = "apps.api.errors.not_found"
handler500 = "apps.api.errors.server_error"

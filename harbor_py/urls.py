"""Everything but the data plane, which :mod:`harbor_py.wsgi` sends elsewhere."""

from django.urls import include, path

from apps.api.explorer import ExplorerView

urlpatterns = [
    path("api/", include("apps.api.urls")),
    path("c/", include("apps.api.sessions")),
    path("devcenter-api-2.0", ExplorerView.as_view(), name="explorer"),
    path("", include("apps.portal.urls")),
]

handler400 = "harbor_py.errors.bad_request"
handler404 = "harbor_py.errors.not_found"
handler500 = "harbor_py.errors.server_error"

"""Addresses of Harbor's portal that ours has elsewhere: links in chats and bookmarks stay good.

Harbor's script encodes a repository's name twice, so that one encoding is left of it here; a name without slashes
looks the same either way.
"""

from urllib.parse import unquote

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, path, reverse
from django.views.generic import View


class DeepLink(View):
    """Leads from a page of a repository, or of an artifact in it, to ours. Whether it is there is found out there.

    A name without slashes and one of Harbor's tabs could be a repository too: :class:`RepositoryPage` leads on from it.
    """

    http_method_names = ["get", "head"]
    target = ""

    def get(self, _request: HttpRequest, *, project_id: int, name: str, **words: str) -> HttpResponse:
        """The way there."""
        digest = words.get("digest") or words.get("depth", "")
        # Of the indexes on the way down, whose digests Harbor joins by "-", the last is what one looks at.
        digests = [digest.rpartition("-")[2]] if digest else []
        try:
            return HttpResponseRedirect(
                reverse(f"portal:{self.target}", args=[project_id, unquote(name), *digests])
            )
        except NoReverseMatch as error:
            raise Http404(str(error)) from error


_NAME = "harbor/projects/<int:project_id>/repositories/<str:name>"
_artifact = DeepLink.as_view(target="artifact")

# After the pages of repositories.
urlpatterns = [
    path(f"{_NAME}/info-tab", DeepLink.as_view(target="repository-info")),
    path(f"{_NAME}/artifacts-tab", DeepLink.as_view(target="repository")),
    path(f"{_NAME}/artifacts-tab/artifacts/<str:digest>", _artifact),
    path(f"{_NAME}/artifacts-tab/depth/<str:depth>", _artifact),
    path(f"{_NAME}/artifacts-tab/depth/<str:depth>/artifacts/<str:digest>", _artifact),
]
